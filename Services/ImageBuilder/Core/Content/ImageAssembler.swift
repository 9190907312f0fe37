public import Blobs
internal import Glibc
public import Loop
internal import OCI

/// Makes images out of a scorer on this machine and of what lies in a store. Layers are written on a pool's threads, several
/// at once; every layer that was written before is taken as it is.
public struct ImageAssembler: ImageAssembling {
    let store: any BlobStore
    let materials: ImageMaterials
    let environments: (any EnvironmentBuilding)?
    let pool: ComputePool
    let machine: MachineParts

    /// - Parameters:
    ///   - environments: nil where no image gets a Python.
    ///   - pool: started, and with threads of its own: they compress.
    public init(
        store: any BlobStore, materials: ImageMaterials, environments: (any EnvironmentBuilding)?, pool: ComputePool
    ) {
        self.store = store
        self.materials = materials
        self.environments = environments
        self.pool = pool
        machine = MachineParts(materials)
    }

    public func assemble(
        _ ingredients: ImageIngredients, memory: (any LayerMemory)?,
        progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> AssembledImage {
        guard ingredients.platform.accepts(.current) else {
            throw BuildFailure(
                "image.platform",
                "the image is to be for \(ingredients.platform), and this builder makes images for \(Platform.current)")
        }
        let base = try await ingredients.base.asyncMap { try await BaseImage($0, for: ingredients.platform, in: store) }
        var image = ImagePlan(ingredients)
        let (machine, isGPU) = (machine, ingredients.gpu)
        let adapters = image.adapters
        image.own = try await Self.blaming {
            try await pool.run {
                try machine.layers(adapters: adapters, standsOnNothing: base == nil, gpu: isGPU)
            }
        }
        try await image.planContents(base, environments: environments, store: store)
        let writer = PlanWriter(
            store: store, files: MachineFiles(pool: pool), pool: pool, digests: machine.digests, memory: memory)
        let (plans, environmentPlans) = (image.layers, image.environmentLayers)
        let layers = try await Self.blaming {
            try await writer.write(plans, environmentPlans, progress)
        }
        return try await finish(image, base, layers)
    }

    /// The configuration and the manifest over the layers.
    private func finish(
        _ image: ImagePlan, _ base: BaseImage?, _ written: [PlanWriter.Written]
    ) async throws -> AssembledImage {
        let layers = (base?.layers ?? []) + written.map(\.layer)
        var configuration = image.configuration(on: base)
        configuration.layerContents = layers.map(\.contents)
        configuration.history =
            (base?.history ?? [])
            + written.map { ImageConfiguration.Step(createdBy: "slipway: \($0.layer.description)") }
        let configurationPin = try await store.put(configuration.json)
        let manifest = Manifest(
            configuration: Descriptor(
                mediaType: MediaType.configuration, digest: configurationPin.info.digest,
                size: configurationPin.info.size), layers: layers.map(\.descriptor),
            annotations: image.annotations)
        let manifestPin = try await store.put(manifest.json)
        return AssembledImage(
            manifest: Descriptor(
                mediaType: manifest.mediaType, digest: manifestPin.info.digest, size: manifestPin.info.size,
                platform: configuration.platform),
            configuration: manifest.configuration, layers: layers, modelPaths: image.modelPaths,
            pins: (base?.pins ?? []) + written.map(\.pin) + [configurationPin, manifestPin])
    }

    /// What the machine lacks is the builder's fault and not the user's; still it is said in words.
    static func blaming<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as ElfClosureError {
            throw BuildFailure("runtime.library", "\(error)")
        } catch let error as SmallFile.Failure {
            throw BuildFailure("runtime.file", "\(error)")
        } catch let error as OCIError where error.code == .unsafe || error.code == .malformed {
            throw BuildFailure("layer.path", error.message)
        }
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
