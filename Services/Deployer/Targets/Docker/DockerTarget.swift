internal import HTTP
public import Loop

/// A container engine that speaks Docker's API: Docker's own, or podman's. Usable from any task, and by several deployers
/// at once; what it knows is in the engine, in names and labels of containers, so a deployer that comes anew misses nothing.
public final class DockerTarget: ReplicaTarget {
    let settings: DockerSettings
    let engine: EngineClient
    /// How those ended that were looked at: what has ended does not change.
    let endings = Lock<[String: ObservedReplica.Ending]>([:])
    let total = Lock<ReplicaNeeds?>(nil)

    /// Connects to nothing yet.
    /// - Parameter resolver: resolves names; it must be started, and outlive the target.
    /// - Throws: `TargetError` `.refused` where the certificates are of no use.
    public init(_ settings: DockerSettings, loops: LoopGroup, resolver: ComputePool) throws(TargetError) {
        guard !settings.suite.isEmpty else { throw TargetError(.refused, "an engine's replicas need an installation") }
        self.settings = settings
        engine = try EngineClient(settings, loops: loops, resolver: resolver)
    }

    /// Ends every connection; what is under way fails. Replicas go on.
    public func close() async { await engine.close() }

    /// Does something with the engine, and tells callers of what failed in their words.
    func asked<Result>(
        _ doing: @autoclosure () -> String, _ body: () async throws(EngineError) -> Result
    ) async throws(TargetError) -> Result {
        do { return try await body() } catch { throw error.asTargetError(doing()) }
    }

    /// Runs `body`. Nil where it failed in a way that is no failure here.
    func unless<Result>(
        _ isFine: (EngineError) -> Bool, _ body: () async throws(EngineError) -> Result
    ) async throws(EngineError) -> Result? {
        do { return try await body() } catch {
            if isFine(error) { return nil }
            throw error
        }
    }

    /// Runs `body`, for which it is no error that there is no such thing.
    func unlessMissing<Result>(
        _ body: () async throws(EngineError) -> Result
    ) async throws(EngineError) -> Result? {
        do { return try await body() } catch {
            if error.isMissing { return nil }
            throw error
        }
    }

    /// What picks the objects of this installation among those of others.
    func filter(_ more: EngineValue = [:]) -> String {
        var filter = more
        filter["label"] = .list(more["label"].items + [.text("\(ReplicaLabels.suite)=\(settings.suite)")])
        return String(decoding: filter.json, as: UTF8.self)
    }
}
