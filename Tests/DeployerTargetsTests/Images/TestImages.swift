import Blobs
import DeployerTargets
import Loop
import OCI
import Tar
import Testing

/// Images in a store of their own, small ones: most are one static program.
final class TestImages: Sendable {
    let folder: TemporaryFolder
    let store: any BlobStore
    let pool: ComputePool

    init() async throws {
        folder = try TemporaryFolder()
        pool = ComputePool(threads: 2)
        try pool.start()
        store = try await FolderBlobStore.open("\(folder.path)/blobs", pool: pool)
    }

    deinit { pool.stop() }

    /// Where the store is, for other programs.
    var storePath: String { "\(folder.path)/blobs" }

    /// The server of `SmallReplica`, run as 65532:65532 in `/work`.
    func small(_ change: (inout ImageConfiguration) -> Void = { _ in }) async throws -> LocalImage {
        var contents = LayerContents()
        let program = try SmallReplica.program.get()
        try contents.add(TarEntry(path: "bin/replica", mode: 0o755, size: Int64(program.count)), from: .bytes(program))
        try contents.add(TarEntry(path: "tmp", kind: .folder, mode: 0o1777))
        try contents.add(TarEntry(path: "work", kind: .folder))
        let greeting = Array("hello from the image".utf8)
        try contents.add(TarEntry(path: "work/greeting", size: Int64(greeting.count)), from: .bytes(greeting))
        return try await image([try await layer(contents)], change)
    }

    func layer(_ contents: LayerContents) async throws -> LayerWriter.Written {
        try await LayerWriter(store: store, files: MachineFiles(pool: pool), level: 1).write(contents)
    }

    /// An image of these layers, of the kind that `small` is where nothing else is said.
    func image(
        _ layers: [LayerWriter.Written], _ change: (inout ImageConfiguration) -> Void = { _ in }
    ) async throws -> LocalImage {
        var configuration = ImageConfiguration(
            platform: .current, user: "65532:65532", environment: ["PATH=/bin", "FROM_IMAGE=yes", "CHANGED=no"],
            entryPoint: ["/bin/replica"], workingFolder: "/work", stopSignal: "SIGTERM",
            layerContents: layers.map(\.contents))
        change(&configuration)
        return try await image(configuration, layers: layers.map(\.descriptor))
    }

    /// An image that is whatever it is said to be.
    func image(_ configuration: ImageConfiguration, layers: [Descriptor]) async throws -> LocalImage {
        let document = try await store.put(configuration.json)
        let manifest = Manifest(
            configuration: Descriptor(
                mediaType: MediaType.configuration, digest: document.info.digest, size: document.info.size),
            layers: layers)
        let digest = try await store.put(manifest.json).info.digest
        return LocalImage(
            name: "default/small:1", digest: "\(digest)", manifest: manifest, configuration: configuration, store: store
        )
    }
}
