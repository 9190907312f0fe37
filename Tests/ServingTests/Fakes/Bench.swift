import Loop
import Serving

/// A source that has what a test says.
final class ScriptedSource: ModelSource {
    let versions = Lock<[DesiredVersion]>([])
    var interval: Duration? { nil }
    func scan() throws(ServingError) -> [DesiredVersion] { versions.withLock { $0 } }
}

/// A manager with loops, pools and a fake framework, for the length of a test.
final class Bench: Sendable {
    let framework = FakeFramework()
    let source = ScriptedSource()
    let loops: LoopGroup
    let pool = ComputePool(threads: 2, name: "score")
    let files = ComputePool(threads: 1, name: "files")
    let manager: ModelManager
    let events = Lock<[VersionStatus]>([])

    init(loops count: Int = 2, _ configuration: ModelManager.Configuration = .init()) throws {
        loops = try LoopGroup(count: count)
        try loops.start()
        try pool.start()
        try files.start()
        let framework = framework
        let events = events
        let found = FoundAdapter(name: "fake", path: "/nowhere", framework: .success(framework))
        manager = ModelManager(
            configuration, source: source, adapters: AdapterDirectory(adapters: [found]), loops: loops.loops,
            pool: pool, files: files,
            onEvent: { event in
                if case .changed(let status) = event { events.withLock { $0.append(status) } }
            })
    }

    /// A version whose model behaves as options say.
    static func version(
        _ name: String, _ number: Int64 = 1, fingerprint: UInt64 = 1, options: [String: String] = [:],
        _ change: (inout ModelConfiguration) -> Void = { _ in }
    ) -> DesiredVersion {
        var configuration = ModelConfiguration()
        configuration.options = options
        change(&configuration)
        return DesiredVersion(
            name: name, version: number, folder: "/nowhere", fingerprint: fingerprint, configuration: configuration)
    }

    /// Has the source state these, and waits until nothing loads or unloads any more.
    func state(_ versions: [DesiredVersion]) async throws {
        source.versions.withLock { $0 = versions }
        try await manager.refresh()
        await manager.settle()
    }

    func infer(
        _ name: String, _ numbers: [Float] = [1, 2], version: Int64? = nil, columns: Int = 2, priority: Int = 0,
        deadline: LoopInstant? = nil, on index: Int = 0
    ) async throws -> InferenceAnswer {
        let request = InferenceRequest(
            model: ModelReference(name: name, version: version),
            inputs: [.floats("x", [numbers.count / columns, columns], numbers)], deadline: deadline, priority: priority)
        let manager = manager
        return try await Task(executorPreference: loops.loops[index % loops.loops.count]) {
            try await manager.infer(request)
        }.value
    }

    /// Requests in a model's queue.
    func waiting(_ name: String) -> Int { manager.queuedCount(name) }

    func stop() async {
        framework.gate.open()
        await manager.stop()
        loops.stop()
        pool.stop()
        files.stop()
    }
}

extension Bench {
    static func run(
        loops: Int = 2, _ configuration: ModelManager.Configuration = .init(), _ body: (Bench) async throws -> Void
    ) async throws {
        let bench = try Bench(loops: loops, configuration)
        do { try await body(bench) } catch {
            await bench.stop()
            throw error
        }
        await bench.stop()
    }
}
