import HTTP
import Loop

/// One loop's way to one replica. Confined to that loop.
final class ReplicaLine {
    /// Lines are found by it: it must not be another replica's before this one is gone.
    private let memory: ReplicaMemory
    private let shared: ReplicaConnections
    private let single: ReplicaConnections

    init(_ replica: Replica, loop: EventLoop, limits: HTTPLimits, statistics: HTTPStatistics) {
        memory = replica.memory
        shared = ReplicaConnections(
            to: replica.address, speaking: .http2, loop: loop, limits: limits, statistics: statistics)
        single = ReplicaConnections(
            to: replica.address, speaking: .http11, loop: loop, limits: limits, statistics: statistics)
    }

    func start(_ attempt: Attempt, speaking wanted: RouterSettings.ReplicaProtocol) {
        (wanted == .http2 ? shared : single).start(attempt)
    }

    func forget(_ attempt: Attempt) {
        shared.forget(attempt)
        single.forget(attempt)
    }

    /// The replica gets no more requests: what is under way is finished, and then nothing is left of this line.
    func leave() {
        shared.leave()
        single.leave()
    }

    func close() {
        shared.close()
        single.close()
    }
}
