import DeployerTargets
import HTTP
import Loop

/// A place in memory that goes wrong when it is told to, and remembers what it was asked to do. What replicas really are,
/// the real places show.
final class FakePlace: ReplicaTarget {
    struct State {
        var replicas: [ReplicaID: ObservedReplica] = [:]
        var fences: [Int64: Int64] = [:]
        /// Orders that made a replica, and those that were refused as stale.
        var starts: [ReplicaID: Int] = [:]
        var stale: [ReplicaID] = []
        var stops: [ReplicaID] = []
        var observations = 0
        var trouble: TargetError?
        /// Replicas of these end as soon as they begin, with these words.
        var broken: [Int: String] = [:]
        /// The most that ran at once, by revision.
        var most: [Int: Int] = [:]
        var watchers: [@Sendable () -> Void] = []
    }
    let state = Lock(State())

    func check() async throws(TargetError) -> TargetFacts { TargetFacts(version: "fake", total: .init()) }

    func prepare(
        _ image: LocalImage, progress: @escaping @Sendable (PreparationProgress) -> Void
    ) async throws(TargetError) {
        if let trouble = state.withLock({ $0.trouble }) { throw trouble }
    }

    func start(_ order: ReplicaOrder) async throws(TargetError) {
        let error: TargetError? = state.withLock { state in
            if let trouble = state.trouble { return trouble }
            let deployment = order.owner.deploymentID
            guard order.fence >= state.fences[deployment] ?? 0 else {
                state.stale.append(order.id)
                return TargetError(.stale, "a later order was seen")
            }
            state.fences[deployment] = order.fence
            guard state.replicas[order.id] == nil else { return nil }
            state.starts[order.id, default: 0] += 1
            let broken = state.broken[order.owner.revision]
            state.replicas[order.id] = ObservedReplica(
                id: order.id, owner: order.owner,
                state: broken.map { .ended(.init(code: 1, lastWords: $0)) } ?? .running,
                address: .unix(path: "/replicas/\(order.id)"))
            let running = state.replicas.values.count {
                $0.owner.revision == order.owner.revision && $0.state == .running
            }
            state.most[order.owner.revision] = max(state.most[order.owner.revision] ?? 0, running)
            return nil
        }
        if let error { throw error }
    }

    func observe() async throws(TargetError) -> [ObservedReplica] {
        let (trouble, replicas) = state.withLock { state in
            state.observations += 1
            return (state.trouble, Array(state.replicas.values))
        }
        if let trouble { throw trouble }
        return replicas
    }

    func stop(_ id: ReplicaID, grace: Duration) async throws(TargetError) {
        let trouble: TargetError? = state.withLock { state in
            if let trouble = state.trouble { return trouble }
            state.stops.append(id)
            if state.replicas[id] != nil { state.replicas[id]?.state = .ended(.init(code: 0)) }
            return nil
        }
        if let trouble { throw trouble }
    }

    func remove(_ id: ReplicaID) async throws(TargetError) {
        let trouble: TargetError? = state.withLock { state in
            if let trouble = state.trouble { return trouble }
            if case .ended? = state.replicas[id]?.state { state.replicas[id] = nil }
            return nil
        }
        if let trouble { throw trouble }
    }

    func log(
        of id: ReplicaID, lines: Int, follow: Bool, _ line: @escaping @Sendable (ReplicaLogLine) async throws -> Void
    ) async throws {}

    func keepImages(_ digests: Set<String>) async throws(TargetError) {}

    func watch(_ changed: @escaping @Sendable () -> Void) async {
        state.withLock { $0.watchers.append(changed) }
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
    }

    // What tests do to it.

    var running: [ObservedReplica] { state.withLock { $0.replicas.values.filter { $0.state == .running } } }

    /// A replica ends by itself.
    func end(_ id: ReplicaID, words: String = "killed") {
        let watchers = state.withLock { state in
            state.replicas[id]?.state = .ended(.init(signal: 9, lastWords: words))
            return state.watchers
        }
        for watcher in watchers { watcher() }
    }
}
