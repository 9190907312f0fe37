internal import Blobs
internal import Contracts
internal import OCI

extension ImageStep {
    /// Nil for one that says nothing, which `RecipeRules` refuses.
    init?(_ step: Slipway.Images.V1.Step) {
        switch step.kind {
        case .env(let variable): self = .variable(name: variable.name, value: variable.value)
        case .label(let label): self = .label(name: label.name, value: label.value)
        case .workdir(let folder): self = .workingFolder(folder)
        case .user(let user): self = .user(user)
        case .copy(let copy): self = .copy(from: copy.from, to: copy.to)
        case nil: return nil
        }
    }
}

extension Slipway.Images.V1.EnvironmentLock {
    init(_ lock: EnvironmentLock) {
        self.init(
            key: lock.key, python: lock.python,
            packages: lock.packages.map {
                .init(
                    name: $0.name, version: $0.version, file: $0.file, hash_: "\($0.digest)", sizeBytes: $0.size,
                    askedFor: $0.isAskedFor)
            })
    }
}

extension EnvironmentLock {
    /// - Throws: `BuildFailure` where a hash is none.
    init(_ lock: Slipway.Images.V1.EnvironmentLock, usesBase: Bool) throws(BuildFailure) {
        var packages: [LockedPackage] = []
        for package in lock.packages {
            guard let digest = BlobDigest(package.hash_) else {
                throw BuildFailure("environment.lock", "the lock of \(package.name) has no hash")
            }
            packages.append(
                LockedPackage(
                    name: package.name, version: package.version, file: package.file, digest: digest,
                    size: package.sizeBytes, isAskedFor: package.askedFor))
        }
        self.init(key: lock.key, python: lock.python, usesBase: usesBase, packages: packages)
    }
}

extension Slipway.Images.V1.ImageLayer {
    init(_ layer: AssembledImage.Layer) {
        self.init(
            kind: layer.kind.rawValue, digest: "\(layer.descriptor.digest)", diffId: "\(layer.contents)",
            sizeBytes: layer.descriptor.size, description: layer.description, reused: layer.isReused)
    }
}

extension Slipway.Images.V1.ImageModel {
    init(_ model: ModelIngredient, path: String) {
        self.init(
            version: "\(model.name):\(model.version)", digest: model.digest, format: model.format,
            adapter: model.adapter, path: path)
    }
}
