import Contracts
import Loop
import Synchronization

/// What is counted of a revision, over all tables that name it and all loops.
final class RevisionMemory: Sendable {
    let revision: Int32
    let requests = Atomic<Int>(0)
    let failures = Atomic<Int>(0)
    let refusals = Atomic<Int>(0)
    let busyNanoseconds = Atomic<Int64>(0)
    let inFlight = Atomic<Int>(0)
    /// Requests in the queues of all loops.
    let waiting = Atomic<Int>(0)
    private let latencies = Counts()

    init(revision: Int32) { self.revision = revision }

    /// A request is over.
    func answered(after duration: Duration, failed: Bool) {
        requests.add(1, ordering: .relaxed)
        if failed { failures.add(1, ordering: .relaxed) }
        latencies.add(LatencyScale.index(of: duration))
    }

    var report: Slipway.Routing.V1.RouteReport {
        Slipway.Routing.V1.RouteReport(
            revision: revision, requests: Int64(requests.load(ordering: .relaxed)),
            failures: Int64(failures.load(ordering: .relaxed)), refusals: Int64(refusals.load(ordering: .relaxed)),
            busySeconds: Double(busyNanoseconds.load(ordering: .relaxed)) / 1e9, latencies: latencies.all,
            inFlight: Int32(clamping: inFlight.load(ordering: .relaxed)),
            waiting: Int32(clamping: waiting.load(ordering: .relaxed)))
    }

    /// One atomic for each bound.
    private final class Counts: @unchecked Sendable {
        private let cells: UnsafeMutablePointer<Atomic<Int>>
        private static let count = LatencyScale.bounds + 1

        init() {
            cells = .allocate(capacity: Counts.count)
            for index in 0..<Counts.count { (cells + index).initialize(to: Atomic(0)) }
        }

        deinit {
            cells.deinitialize(count: Counts.count)
            cells.deallocate()
        }

        func add(_ index: Int) {
            guard (0..<Counts.count).contains(index) else { return }
            cells[index].add(1, ordering: .relaxed)
        }

        /// Without the zeros at the end.
        var all: [Int64] {
            var counts = (0..<Counts.count).map { Int64(cells[$0].load(ordering: .relaxed)) }
            while counts.last == 0 { counts.removeLast() }
            return counts
        }
    }
}
