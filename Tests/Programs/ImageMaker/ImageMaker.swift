import Blobs
import Glibc
import ImageBuilderCore
import Loop
import OCI

/// Makes an image without a service: everything that it holds is said in a file of JSON.
///
///     image-maker RECIPE.json
///
/// Prints a line for each time that it was built, with how long that took, and one for each layer.
@main
struct ImageMaker {
    static func main() async {
        do {
            guard CommandLine.arguments.count == 2 else { throw BuildFailure("usage", "image-maker RECIPE.json") }
            try await run(MakerRecipe(file: CommandLine.arguments[1]))
        } catch {
            say("failed: \((error as? BuildFailure).map { "\($0.code): " } ?? "")\(error)")
            exit(1)
        }
    }

    static func run(_ recipe: MakerRecipe) async throws {
        let pool = ComputePool(threads: 2)
        let files = ComputePool(threads: 2)
        try pool.start()
        try files.start()
        let store = try await FolderBlobStore.open(recipe.store, pool: files)
        let materials = ImageMaterials(
            scorer: recipe.scorer, adapters: recipe.adapters, frameworks: recipe.frameworks,
            certificates: recipe.certificates)
        let waiting = ComputePool(threads: 2)
        try waiting.start()
        var python = PythonSettings(folder: recipe.scratch.isEmpty ? "/tmp" : recipe.scratch)
        if !recipe.index.isEmpty { python.index = recipe.index }
        let environments = try await PythonEnvironments.open(
            python, store: store, memory: MakerLocks(), pool: waiting)
        let assembler = ImageAssembler(store: store, materials: materials, environments: environments, pool: pool)
        let memory = MakerMemory()
        let bases = BaseImages(store: store, client: nil, layouts: recipe.layouts, pool: files)
        var pins: [BlobPin] = []
        var ingredients = try await recipe.ingredients(store, &pins)
        if !recipe.base.isEmpty {
            let brought = try await bases.bring(recipe.base, for: .current)
            ingredients.base = brought.base
            pins += brought.pins
        }
        if !recipe.dependencies.isEmpty {
            let request = EnvironmentRequest(
                fileName: recipe.dependencies, text: try recipe.text(recipe.dependencies), basePython: recipe.basePython
            )
            let resolved = try await environments.resolve(request, fresh: false) { _ in }
            ingredients.environment = resolved.lock
            pins += resolved.pins
        }
        var last: AssembledImage?
        for _ in 0..<max(1, recipe.times) {
            let clock = ContinuousClock()
            let began = clock.now
            let image = try await assembler.assemble(ingredients, memory: memory) { _ in }
            say("built \(image.manifest.digest) in \(began.duration(to: clock.now))")
            last = image
        }
        guard let image = last else { return }
        for layer in image.layers {
            say(
                "layer \(layer.kind.rawValue) \(layer.descriptor.size) \(layer.descriptor.digest) \(layer.contents) "
                    + layer.description)
        }
        if !recipe.output.isEmpty { try await export(image, from: store, to: recipe.output) }
    }

    private static func export(_ image: AssembledImage, from store: any BlobStore, to path: String) async throws {
        let bytes = try await store.withBlob(image.manifest.digest) { try await $0.verifiedBytes(upTo: 1 << 22) }
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw BuildFailure("output", "\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        let manifest = try Manifest(json: bytes[...])
        try await ImageArchive(bytes, of: manifest, name: try ImageReference("slipway.example/image:1"), from: store)
            .write { piece in
                var rest = piece
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
                    guard count > 0 else { throw BuildFailure("output", String(cString: strerror(errno))) }
                    rest = rest.dropFirst(count)
                }
            }
    }

    static func say(_ text: String) {
        puts(text)
        fflush(nil)
    }
}

/// Layers that were written before, for as long as the program runs.
actor MakerMemory: LayerMemory {
    private var layers: [String: KnownLayer] = [:]

    func find(_ key: String) -> KnownLayer? { layers[key] }
    func keep(_ key: String, _ layer: KnownLayer) { layers[key] = layer }
}

actor MakerLocks: LockMemory {
    func find(_ key: String) -> EnvironmentLock? { nil }
    func keep(_ key: String, _ lock: EnvironmentLock) -> EnvironmentLock { lock }
}
