import Contracts
import Glibc
import Loop
import Protobuf
import RPC
import ResourceKit
import ServiceKit
import Synchronization
import Tar
import Testing

@testable import Access
@testable import Activities
@testable import Blobs
@testable import Identity
@testable import ImageBuilderCore
@testable import OCI
@testable import Postgres
@testable import RegistryCore

typealias Images = Slipway.Images.V1
typealias Models = Slipway.Models.V1

/// A registry, an image builder without workers, and `person:ada` who owns the workspace `lab` of both.
struct BuilderFixture: Sendable {
    let fixture: ImagesFixture
    let ada: (principal: Principal, token: Secret, tokenID: String)
    let registryBlobs: MemoryBlobStore
    let registry: InProcessChannel
    let builder: InProcessChannel
    let parts: BuildParts
    let activities: Activities
    let assembler: FakeAssembler
    let outage: Outage

    var pool: PostgresPool { fixture.pool }
    var models: Models.Models.Client { .init(registry) }
    var images: Images.Images.Client { .init(builder) }

    /// Registers a version with one file.
    @discardableResult
    func register(
        _ name: String, _ content: String = "weights", format: String = "onnx",
        _ change: (inout Models.RegisterRequest) -> Void = { _ in }
    ) async throws -> Models.ModelVersion {
        let files = Models.ModelFiles.Client(registry)
        let digest = "\(try BlobHasher.digest(content.utf8))"
        _ = try await files.uploadFiles(
            .init(files: [.init(digest: digest, data: Array(content.utf8)[...])]))
        var request = Models.RegisterRequest(
            name: name, files: [.init(path: "model.bin", digest: digest, sizeBytes: Int64(content.utf8.count))],
            format: .init(name: format, mainPath: "model.bin"))
        change(&request)
        return try await models.register(request)
    }

    func build(
        _ name: String = "svc", _ models: [String] = ["churn:1"],
        _ change: (inout Images.BuildRequest) -> Void = { _ in }
    ) async throws -> PostgresUUID {
        var request = Images.BuildRequest(name: name, recipe: .init(models: models))
        change(&request)
        return try #require(PostgresUUID(try await images.build(request).id))
    }

    func upload(_ entries: [TarEntry], _ contents: [String: String] = [:]) async throws -> Images.SourceTree {
        var archive: [UInt8] = []
        for entry in entries {
            var entry = entry
            let bytes = Array((contents[entry.path] ?? "").utf8)
            if entry.kind == .file { entry.size = Int64(bytes.count) }
            archive += TarHeader.bytes(of: entry) + bytes + TarHeader.padding(after: Int64(bytes.count))
        }
        archive += TarHeader.end
        // In pieces that end anywhere.
        let pieces = stride(from: 0, to: archive.count, by: 700).map { archive[$0..<min($0 + 700, archive.count)] }
        return try await images.uploadSource { requests in
            for piece in pieces { try await requests.write(.init(data: Array(piece)[...])) }
        }
    }

    func worker(_ name: String = "one", handler: BuildHandler? = nil, concurrency: Int = 4) -> ActivityWorker {
        var configuration = ActivityWorker.Configuration()
        configuration.concurrency = concurrency
        configuration.backstop = .milliseconds(100)
        return ActivityWorker(
            activities, name: name,
            handlers: [handler ?? BuildHandler(parts), VerifyHandler(parts, comparing: OneFileDiffers())],
            configuration: configuration)
    }

    /// Runs workers for as long as `body` lasts.
    func withWorkers<Result: Sendable>(
        _ workers: [ActivityWorker], _ body: () async throws -> Result
    ) async throws -> Result {
        let running = workers.map { worker in Task { try await worker.run() } }
        do {
            let result = try await body()
            for task in running { task.cancel() }
            for task in running { _ = await task.result }
            return result
        } catch {
            for task in running { task.cancel() }
            for task in running { _ = await task.result }
            throw error
        }
    }

    /// Builds with one worker and returns the activity as it ended.
    func finish(_ id: PostgresUUID, _ workers: [ActivityWorker]? = nil) async throws -> Activity {
        try await withWorkers(workers ?? [worker()]) { try await ended(id) }
    }

    func ended(_ id: PostgresUUID) async throws -> Activity {
        for _ in 0..<6000 {
            let activity = try await activities.get(id)
            if activity.state.isFinal { return activity }
            try await fixture.loops.loops[0].sleep(for: .milliseconds(10))
        }
        throw BuildFailure("test", "the activity did not end")
    }

    /// Tells the registry all that is due.
    func tell() async throws { while try await parts.reporter.sweep() > 0 {} }

    func count(_ table: String) async throws -> Int64 {
        try await pool.query("SELECT count(*) FROM images.\(unsafe: table)").all(Int64.self).first ?? -1
    }

    /// Who uses a version, as the registry has it.
    func users(of version: String) async throws -> [String] {
        try await pool.query(
            """
            SELECT u."user" FROM registry.uses AS u JOIN registry.versions AS v ON v.id = u.version
            WHERE v.name || ':' || v.version = \(version) ORDER BY 1
            """
        ).all(String.self)
    }

    func journal(_ action: String) async throws -> [String] {
        try await pool.query(
            "SELECT subject FROM journal.entries WHERE action = \(action) ORDER BY transaction, id"
        ).all(String.self)
    }
}

/// Lets calls fail as if the registry could not be reached.
final class Outage: ClientInterceptor {
    private let methods = Lock<Set<String>>([])
    func begin(_ method: String) { methods.withLock { _ = $0.insert(method) } }
    func end() { methods.withLock { $0 = [] } }

    func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        if methods.withLock({ $0.contains { request.method.path.hasSuffix($0) } }) {
            throw RPCError(.unavailable, "nobody is there")
        }
        return try await next(request)
    }
}

/// Makes images of one layer with all that is in the ingredients, described as text.
final class FakeAssembler: ImageAssembling {
    let store: MemoryBlobStore
    let assembled = Atomic<Int>(0)
    /// Added to each image's bytes: what a clock in an image would do.
    let noise = Lock("")

    init(_ store: MemoryBlobStore) { self.store = store }

    func assemble(
        _ ingredients: ImageIngredients, memory: (any LayerMemory)?,
        progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> AssembledImage {
        assembled.add(1, ordering: .relaxed)
        await progress(BuildProgress(step: "models", message: "writing", fraction: 0.5))
        for file in ingredients.models.flatMap(\.files) + (ingredients.source?.files ?? []) {
            try await store.pin(file.digest).release()
        }
        let text =
            ingredients.models.map { "\($0.name):\($0.version) \($0.adapter) \($0.digest)" }.joined(separator: "\n")
            + "\(ingredients.source?.digest.description ?? "") \(ingredients.environment?.key ?? "")"
            + noise.withLock { $0 }
        let key = "\(try BlobHasher.digest(text.utf8))"
        let known = try await memory?.find(key)
        let layer = try await store.put(Array("layer \(text)".utf8))
        let configuration = try await store.put(Array("configuration \(text)".utf8))
        let manifest = try await store.put(Array("manifest \(text)".utf8))
        let described = Descriptor(
            mediaType: MediaType.gzipLayer, digest: layer.info.digest, size: layer.info.size)
        try await memory?.keep(key, KnownLayer(descriptor: described, contents: layer.info.digest))
        return AssembledImage(
            manifest: Descriptor(
                mediaType: MediaType.manifest, digest: manifest.info.digest, size: manifest.info.size),
            configuration: Descriptor(
                mediaType: MediaType.configuration, digest: configuration.info.digest, size: configuration.info.size),
            layers: [
                .init(
                    kind: .models, descriptor: described, contents: layer.info.digest, description: "models",
                    isReused: known != nil)
            ], modelPaths: ingredients.models.map { "/models/\($0.name)" }, pins: [layer, configuration, manifest])
    }
}

/// Takes every dependency file but those that speak of conda.
struct FakeEnvironments: EnvironmentBuilding {
    func check(_ request: EnvironmentRequest) throws {
        if request.text.contains("conda-only") {
            throw BuildFailure("dependencies.conda", "conda-only is not on the index")
        }
    }

    func resolve(
        _ request: EnvironmentRequest, fresh: Bool, progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> (lock: EnvironmentLock, pins: [BlobPin]) {
        let key = "\(try BlobHasher.digest((request.text + request.additions.joined()).utf8))"
        return (EnvironmentLock(key: key, python: "3.11.2", usesBase: false, packages: []), [])
    }

    func python(_ lock: EnvironmentLock, at folder: String) async throws -> EnvironmentContents {
        EnvironmentContents(layer: LayerContents(), description: "Python")
    }

    func packages(
        _ lock: EnvironmentLock, at folder: String, progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> EnvironmentContents {
        EnvironmentContents(layer: LayerContents(), description: "packages")
    }

    func variables(
        _ lock: EnvironmentLock, pythonAt: String, packagesAt: String
    ) async throws -> [String: String] { [:] }
}

struct FakeScripts: EntryScriptChecking {
    func check(path: String, text: String) async throws -> EntryScriptFacts {
        guard text.contains("def run") else { throw BuildFailure("entry.run", "\(path) has no function run") }
        return EntryScriptFacts()
    }
}

struct NoBases: BaseBringing {
    func bring(
        _ reference: String, for platform: Platform, in workspace: Workspace,
        progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> BroughtBase { throw BuildFailure("base.missing", "there is no \(reference)") }
}

private struct OneFileDiffers: ImageComparing {
    func compare(_ from: StoredImage, _ to: StoredImage) async throws -> Images.ImageComparison {
        .init(files: [.init(path: "/\(from.name)", change: .changed, layer: to.image.layers.first?.kind ?? "")])
    }
}
private struct NoPushing: ImagePushing {
    var kind: String { "image.push" }
    func prepare(
        _ request: Images.PushRequest, _ image: StoredImage, by caller: Caller
    ) async throws -> String { "{}" }
}
private struct NoExporting: ImageExporting {
    func export(
        _ image: StoredImage, as format: Images.ExportRequest.Format,
        to responses: ResponseWriter<Images.ExportResponse>
    ) async throws {}
}

/// Runs `body` with a registry and a builder of its own.
func withBuilder(_ body: (BuilderFixture) async throws -> Void) async throws {
    try await withImages { fixture in
        let ada = try await fixture.member("ada", [(fixture.lab, .owner)])
        func channel(_ services: [any RPCService], signed: Bool, _ more: [any ClientInterceptor] = [])
            -> InProcessChannel
        {
            let guardian = AccessInterceptor(AccessControl(IdentitySource(fixture.pool)), services: services)
            let server = RPCServer(services: services, interceptors: [guardian])
            var configuration = ChannelConfiguration()
            configuration.interceptors = more
            if signed { configuration.interceptors += [ClientCredentials(token: ada.token, workspace: "lab")] }
            return InProcessChannel(server, loops: fixture.loops, configuration: configuration)
        }
        let registryBlobs = MemoryBlobStore()
        let store = RegistryStore(fixture.pool, blobs: registryBlobs)
        let files = ModelFilesService(fixture.pool, store: registryBlobs, metrics: FileMetrics(MetricsRegistry()))
        let registryServices: [any RPCService] = [ModelsService(store), LineageService(store), files]
        let outage = Outage()
        let gateway = RegistryGateway(
            channel(registryServices, signed: false, [outage]),
            delegation: Delegation(fixture.identity, service: "image-builder"))
        let reporter = UseReporter(fixture.pool, registry: gateway, loop: fixture.loops.loops[0])
        let assembler = FakeAssembler(fixture.blobs)
        let parts = BuildParts(
            pool: fixture.pool, store: fixture.blobs, registry: gateway, reporter: reporter, assembler: assembler,
            environments: FakeEnvironments(), scripts: FakeScripts(), bases: NoBases(),
            sources: SourceStore(fixture.pool, blobs: fixture.blobs))
        let activities = Activities(fixture.pool, loop: fixture.loops.loops[0])
        let service = ImagesService(
            parts, activities: activities,
            extras: ImageExtras(comparing: OneFileDiffers(), pushing: NoPushing(), exporting: NoExporting()))
        let builder = BuilderFixture(
            fixture: fixture, ada: ada, registryBlobs: registryBlobs,
            registry: channel(registryServices, signed: true), builder: channel([service], signed: true), parts: parts,
            activities: activities, assembler: assembler, outage: outage)
        try await body(builder)
    }
}

/// The error that a call ends with; nil where it succeeds.
func failure(_ body: () async throws -> Void) async -> RPCError? {
    do {
        try await body()
        return nil
    } catch {
        return RPCError(error)
    }
}

extension RPCError {
    /// What programs tell it by.
    var reasons: [String] { details.compactMap { $0.decode(as: Google.Rpc.ErrorInfo.self) }.map(\.reason) }

    var unmet: [String] {
        details.compactMap { $0.decode(as: Google.Rpc.PreconditionFailure.self) }.flatMap(\.violations)
            .map { "\($0.type) \($0.subject)" }
    }

    var fields: [String] {
        details.compactMap { $0.decode(as: Google.Rpc.BadRequest.self) }.flatMap(\.fieldViolations).map(\.field)
    }
}
