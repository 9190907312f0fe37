import Loop
import Synchronization

/// What outlives a table: whose turn it is, what was counted, and what is known of replicas.
final class EndpointMemory: Sendable {
    let deployment: Int64
    private let turns = Atomic<Int>(0)
    private let revisions = Lock<[Int32: RevisionMemory]>([:])
    private let replicas = Lock<[String: ReplicaMemory]>([:])

    init(deployment: Int64) { self.deployment = deployment }

    /// Each number once, over all loops: that is what makes the division exact.
    func nextTurn() -> Int { turns.add(1, ordering: .relaxed).oldValue }

    /// Taken while a table is made, never for a request.
    func revision(_ number: Int32) -> RevisionMemory {
        revisions.withLock { revisions in
            if let known = revisions[number] { return known }
            let new = RevisionMemory(revision: number)
            revisions[number] = new
            return new
        }
    }

    /// A replica that comes back under its name elsewhere is another one.
    func replica(_ id: String, at address: String) -> ReplicaMemory {
        replicas.withLock { replicas in
            if let known = replicas[id], known.address == address { return known }
            let new = ReplicaMemory(id: id, address: address)
            replicas[id] = new
            return new
        }
    }

    /// Forgets replicas that are gone. Revisions stay: their numbers must not fall.
    func keep(replicas ids: Set<String>) { replicas.withLock { $0 = $0.filter { ids.contains($0.key) } } }

    var counted: [RevisionMemory] { revisions.withLock { Array($0.values) } }
}
