import Access
import Loop
import ServiceKit
import Synchronization

/// What was found behind credentials a moment ago. Each thread has a table of its own for as long as there are enough, so
/// that calls do not meet here; what is forgotten is forgotten in all of them.
final class IdentityCache: Sendable {
    enum Key: Hashable {
        case token(UInt64)
        /// A certificate's fingerprint.
        case certificate(String)
    }

    struct Entry {
        /// Of the token; nil for a certificate, and for a number that is no token's.
        var digest: SHA256Digest?
        var found: FoundPrincipal
        var principal: EntityID?
        /// From here on one caller asks anew, and the others go on with what is known.
        var refresh: LoopInstant
        /// From here on it counts for nothing.
        var end: LoopInstant
        var isRefreshing = false
    }

    private let tables: [Lock<BoundedTable<Key, Entry>>]
    /// Counts what was forgotten: what was read before must not be kept after.
    private let epochs = Atomic<Int>(0)

    init(entries: Int) { tables = (0..<Stripes.count).map { _ in Lock(BoundedTable(capacity: entries)) } }

    /// Taken before the database is asked.
    var epoch: Int { epochs.load(ordering: .acquiring) }

    func known(_ credential: Credential, now: LoopInstant) -> KnownPrincipal {
        let key: Key
        let digest: SHA256Digest?
        switch credential {
        case .token(let proof): (key, digest) = (.token(proof.number), proof.digest)
        case .certificate(let certificate): (key, digest) = (.certificate(certificate.fingerprint), nil)
        }
        return tables[Stripes.current].withLock { table in
            guard var entry = table.find(key) else { return .nothing }
            let isRight = entry.digest == digest
            guard now < entry.end else { return isRight ? .proven : .nothing }
            guard isRight else { return .found(.unknown) }
            guard now >= entry.refresh, !entry.isRefreshing else { return .found(entry.found) }
            entry.isRefreshing = true
            table.put(key, entry)
            return .proven
        }
    }

    /// Keeps what was found, unless something was forgotten since `epoch`.
    func keep(_ key: Key, _ entry: Entry, since epoch: Int) {
        tables[Stripes.current].withLock { table in
            guard epochs.load(ordering: .acquiring) == epoch else { return }
            table.put(key, entry)
        }
    }

    func forget(_ news: IdentityNews) {
        switch news {
        case .token(let number): each { $0.remove(.token(number)) }
        case .principal(let id): each { $0.removeAll { $0.principal == id } }
        case .everything: each { $0.removeAll() }
        }
    }

    private func each(_ body: (inout BoundedTable<Key, Entry>) -> Void) {
        epochs.add(1, ordering: .releasing)
        for table in tables { table.withLock { body(&$0) } }
    }
}
