import DeployerTargets
import Loop

/// A place that holds what a test puts there.
final class QuietPlace: ReplicaTarget {
    struct State: Sendable {
        var facts = TargetFacts(version: "fake 1", total: .init(cpuMillis: 4000, memoryBytes: 8 << 30, gpus: 0))
        var failure: TargetError?
        var logs: [ReplicaID: [ReplicaLogLine]] = [:]
    }
    let state = Lock(State())

    func check() async throws(TargetError) -> TargetFacts {
        let (facts, failure) = state.withLock { ($0.facts, $0.failure) }
        if let failure { throw failure }
        return facts
    }

    func prepare(_ image: LocalImage, progress: @escaping @Sendable (PreparationProgress) -> Void)
        async throws(TargetError)
    {}

    func start(_ order: ReplicaOrder) async throws(TargetError) {}
    func observe() async throws(TargetError) -> [ObservedReplica] { [] }
    func stop(_ id: ReplicaID, grace: Duration) async throws(TargetError) {}
    func remove(_ id: ReplicaID) async throws(TargetError) {}

    func log(
        of id: ReplicaID, lines: Int, follow: Bool, _ line: @escaping @Sendable (ReplicaLogLine) async throws -> Void
    ) async throws {
        let (written, failure) = state.withLock { ($0.logs[id] ?? [], $0.failure) }
        if let failure { throw failure }
        for each in written.suffix(lines) { try await line(each) }
    }

    func keepImages(_ digests: Set<String>) async throws(TargetError) {}
    func watch(_ changed: @escaping @Sendable () -> Void) async {}
}
