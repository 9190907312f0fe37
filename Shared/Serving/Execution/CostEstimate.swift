import Synchronization

/// How long a model takes for a request of some size, learned from every execution.
///
/// Sizes are told apart by their binary logarithm. Each reading is a weighted average in which one outlier counts for at
/// most four times the average, so that a thread that was interrupted once does not look like a slow model. Lock-free;
/// readings that meet may lose one another, which an average bears.
final class CostEstimate: @unchecked Sendable {
    private static let classes = 48
    private let averages: UnsafeMutablePointer<Atomic<Int>>

    init() {
        averages = .allocate(capacity: CostEstimate.classes)
        for index in 0..<CostEstimate.classes { (averages + index).initialize(to: Atomic(0)) }
    }

    deinit {
        averages.deinitialize(count: CostEstimate.classes)
        averages.deallocate()
    }

    private static func classOf(_ size: Int) -> Int {
        min(classes - 1, Int.bitWidth - 1 - max(1, size).leadingZeroBitCount)
    }

    func record(size: Int, nanoseconds: Int64) {
        let cell = CostEstimate.classOf(size)
        let seen = Int(clamping: max(1, nanoseconds))
        let average = averages[cell].load(ordering: .relaxed)
        guard average > 0 else { return averages[cell].store(seen, ordering: .relaxed) }
        averages[cell].store(max(1, average + (min(seen, average &* 4) - average) / 8), ordering: .relaxed)
    }

    /// Forgets what was learned of a size and takes this for it.
    func set(size: Int, nanoseconds: Int64) {
        averages[CostEstimate.classOf(size)].store(Int(clamping: max(1, nanoseconds)), ordering: .relaxed)
    }

    /// In nanoseconds. From sizes that were seen: a smaller one's time grows at most with the size, a larger one's time is
    /// not exceeded. Nothing where nothing was seen.
    func nanoseconds(size: Int) -> Int? {
        let cell = CostEstimate.classOf(size)
        let own = averages[cell].load(ordering: .relaxed)
        if own > 0 { return own }
        var best: Int?
        for below in stride(from: cell - 1, through: 0, by: -1) {
            let average = averages[below].load(ordering: .relaxed)
            guard average > 0 else { continue }
            let (grown, overflow) = average.multipliedReportingOverflow(by: 1 << (cell - below))
            best = overflow ? .max : grown
            break
        }
        for above in cell + 1..<max(cell + 1, CostEstimate.classes) {
            let average = averages[above].load(ordering: .relaxed)
            guard average > 0 else { continue }
            return min(best ?? .max, average)
        }
        return best
    }
}
