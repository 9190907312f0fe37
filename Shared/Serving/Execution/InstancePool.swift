import Synchronization

/// A model's instances, and who executes in which: a bit for each place, set while it is free. At most 64.
///
/// An instance that takes several executions at once stands for all places.
final class InstancePool: Sendable {
    static let largest = 64

    private let instances: [any ServableInstance]
    let places: Int
    private let free: Atomic<UInt64>
    /// Whether the loops may execute in it without a place: it takes any number, and nobody set a limit.
    let isUnlimited: Bool

    /// - Parameter places: how many executions at once; of several instances, as many as there are.
    init(_ instances: [any ServableInstance], places: Int, isUnlimited: Bool) {
        self.instances = instances
        self.places = min(max(1, places), InstancePool.largest)
        self.isUnlimited = isUnlimited
        free = Atomic(self.places == 64 ? .max : (1 << UInt64(self.places)) - 1)
    }

    subscript(place: Int) -> any ServableInstance { instances[place % instances.count] }

    /// The place that was free, now the caller's.
    func take() -> Int? {
        var seen = free.load(ordering: .sequentiallyConsistent)
        while seen != 0 {
            let place = seen.trailingZeroBitCount
            let (taken, now) = free.weakCompareExchange(
                expected: seen, desired: seen & (seen - 1), ordering: .sequentiallyConsistent)
            if taken { return place }
            seen = now
        }
        return nil
    }

    func give(_ place: Int) { free.bitwiseOr(1 << UInt64(place), ordering: .sequentiallyConsistent) }

    var busyCount: Int { places - free.load(ordering: .relaxed).nonzeroBitCount }
}
