import Blobs
import Glibc
import Loop
import OCI
import Tar

@testable import ImageBuilderCore

/// Everything that an image is made with: a store, and this machine's programs in the parts of a scorer.
final class Workshop {
    struct Failure: Error {
        let reason: String
    }

    let folder: String
    let store: any BlobStore
    let pool = ComputePool(threads: 2)
    let materials: ImageMaterials
    let assembler: ImageAssembler
    private(set) var pins: [BlobPin] = []

    init(store: any BlobStore = MemoryBlobStore(), environments: (any EnvironmentBuilding)? = nil) throws {
        let folder = try Self.temporaryFolder()
        self.folder = folder
        self.store = store
        try pool.start()
        func copy(_ from: String, _ to: String) throws {
            try Self.shell("mkdir -p \"$(dirname '\(folder)/\(to)')\" && cp -L '\(from)' '\(folder)/\(to)'")
        }
        try copy("/bin/ls", "bin/scorer")
        for (name, framework) in [("OnnxRuntime", "onnxruntime"), ("XGBoost", "xgboost")] {
            try copy(try Self.library("libz.so.1"), "adapters/lib\(name)Adapter.so")
            try copy(try Self.library("libstdc++.so.6"), "frameworks/\(framework)/lib\(framework).so.1")
        }
        try copy(try Self.library("libz.so.1"), "adapters/libPythonAdapter.so")
        materials = ImageMaterials(
            scorer: "\(folder)/bin/scorer", adapters: "\(folder)/adapters", frameworks: "\(folder)/frameworks")
        assembler = ImageAssembler(store: store, materials: materials, environments: environments, pool: pool)
    }

    deinit {
        pool.stop()
        try? Self.shell("rm -rf '\(folder)'")
    }

    static func temporaryFolder() throws -> String {
        var template = Array("/tmp/sw-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(reason: "mkdtemp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func shell(_ command: String) throws {
        guard system(command) == 0 else { throw Failure(reason: command) }
    }

    static func library(_ name: String) throws -> String {
        let places: [String] = LibraryFolders.ofThisMachine().map { "\($0)/\(name)" }
        let found = places.first { access($0, R_OK) == 0 }
        guard let found else { throw Failure(reason: "no \(name)") }
        return found
    }

    func blob(_ text: String) async throws -> (digest: BlobDigest, size: Int64) {
        let pin = try await store.put(Array(text.utf8))
        pins.append(pin)
        return (pin.info.digest, pin.info.size)
    }

    func tree(_ files: [String: String]) async throws -> SourceTree {
        var found: [TreeFile] = []
        for (path, text) in files.sorted(by: { $0.key < $1.key }) {
            let (digest, size) = try await blob(text)
            found.append(TreeFile(path: path, digest: digest, size: size, isExecutable: path.hasSuffix(".sh")))
        }
        return SourceTree(
            digest: try BlobHasher.digest(found.map { "\($0.path) \($0.digest)\n" }.joined().utf8), files: found)
    }

    func model(
        _ name: String = "wine", _ version: Int = 1, _ text: String = "weights", adapter: String = "onnxruntime",
        files: [String: String] = [:]
    ) async throws -> ModelIngredient {
        let tree = try await tree(["model.onnx": text].merging(files) { $1 })
        return ModelIngredient(
            name: name, version: version, digest: "\(tree.digest)", format: "onnx", mainPath: "model.onnx",
            adapter: adapter, files: tree.files)
    }

    func assemble(_ ingredients: ImageIngredients, memory: (any LayerMemory)? = nil) async throws -> AssembledImage {
        try await assembler.assemble(ingredients, memory: memory) { _ in }
    }

    func bytes(_ digest: BlobDigest) async throws -> [UInt8] {
        try await store.withBlob(digest) { try await $0.verifiedBytes(upTo: 1 << 28) }
    }

    func configuration(_ image: AssembledImage) async throws -> ImageConfiguration {
        try ImageConfiguration(json: try await bytes(image.configuration.digest)[...])
    }

    /// What `tar` says of a layer, a line for each entry: permissions, owner and path.
    func listing(_ layer: AssembledImage.Layer) async throws -> [String] {
        let bytes = try await bytes(layer.descriptor.digest)
        let (input, output) = ("\(folder)/layer", "\(folder)/listing")
        try Self.write(bytes, to: input)
        try Self.shell("tar --numeric-owner -tvzf '\(input)' > '\(output)'")
        return String(decoding: try SmallFile.read(output, upTo: 1 << 24), as: UTF8.self).split(separator: "\n").map {
            let words = $0.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            return "\(words[0]) \(words[1]) \(words[5])"
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "w") else { throw Failure(reason: path) }
        defer { fclose(file) }
        _ = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
    }

    /// An image of others, in the store.
    func base(
        _ contents: LayerContents, architecture: String = Platform.current.architecture,
        kinds: (manifest: String, layer: String) = (MediaType.manifest, MediaType.gzipLayer),
        change: (inout ImageConfiguration) -> Void = { _ in }
    ) async throws -> BaseIngredient {
        let layer = try await LayerWriter(store: store, files: MachineFiles(pool: pool)).write(contents)
        var configuration = ImageConfiguration(
            platform: Platform(architecture: architecture), layerContents: [layer.contents])
        change(&configuration)
        let described = try await store.put(configuration.json)
        var descriptor = layer.descriptor
        descriptor.mediaType = kinds.layer
        let manifest = Manifest(
            mediaType: kinds.manifest,
            configuration: Descriptor(
                mediaType: MediaType.configuration, digest: described.info.digest, size: described.info.size),
            layers: [descriptor])
        let pin = try await store.put(manifest.json)
        pins += [layer.pin, described, pin]
        return BaseIngredient(
            reference: "example/base:1",
            manifest: Descriptor(mediaType: kinds.manifest, digest: pin.info.digest, size: pin.info.size))
    }
}

extension ImageIngredients {
    static func of(_ models: ModelIngredient...) -> ImageIngredients {
        ImageIngredients(models: models, platform: .current)
    }
}

/// Remembers layers, and what it was asked for.
actor Remembering: LayerMemory {
    private(set) var layers: [String: KnownLayer] = [:]

    func find(_ key: String) -> KnownLayer? { layers[key] }
    func keep(_ key: String, _ layer: KnownLayer) { layers[key] = layer }
}
