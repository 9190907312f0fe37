import Loop
import Synchronization

/// How a replica does, as all loops see it. Its atomics are all that loops share of a request.
final class ReplicaMemory: Sendable {
    let id: String
    let address: String
    /// Requests that it works on for this router.
    private let slots = Atomic<Int>(0)
    private let failures = Atomic<Int>(0)
    private let ejections = Atomic<Int>(0)
    private let ejectedUntil = Atomic<Int64>(.min)

    init(id: String, address: String) {
        self.id = id
        self.address = address
    }

    var inFlight: Int { slots.load(ordering: .relaxed) }

    /// Takes a slot where one of `limit` is free; any number is where the limit is zero.
    func take(limit: Int) -> Bool {
        var seen = slots.load(ordering: .relaxed)
        while limit == 0 || seen < limit {
            let (exchanged, original) = slots.compareExchange(
                expected: seen, desired: seen + 1, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            seen = original
        }
        return false
    }

    func release() { slots.subtract(1, ordering: .sequentiallyConsistent) }

    /// Whether it is left alone for now because it failed.
    func isEjected(now: LoopInstant) -> Bool { now.nanoseconds < ejectedUntil.load(ordering: .relaxed) }

    func succeeded() {
        guard failures.load(ordering: .relaxed) != 0 || ejections.load(ordering: .relaxed) != 0 else { return }
        failures.store(0, ordering: .relaxed)
        ejections.store(0, ordering: .relaxed)
        ejectedUntil.store(.min, ordering: .relaxed)
    }

    /// - Parameter isGone: it can't be reached at all: that need not happen several times.
    /// - Returns: for how long it is left alone from now; nil where it is not, or was already.
    func failed(isGone: Bool, now: LoopInstant, rules: EjectionRules) -> Duration? {
        let count = failures.add(1, ordering: .relaxed).newValue
        guard isGone || count >= rules.failures, !isEjected(now: now) else { return nil }
        failures.store(0, ordering: .relaxed)
        let before = ejections.add(1, ordering: .relaxed).oldValue
        let duration = min(rules.longest, rules.first * (1 << min(before, 16)))
        ejectedUntil.store(now.advanced(by: duration).nanoseconds, ordering: .relaxed)
        return duration
    }
}

/// When a replica is left alone. Never all of them: where none is left each may be asked.
public struct EjectionRules: Sendable {
    /// So many failures one after the other.
    public var failures = 5
    /// How long at first, and twice as long each time it happens again.
    public var first = Duration.seconds(1)
    public var longest = Duration.seconds(30)

    public init() {}
}
