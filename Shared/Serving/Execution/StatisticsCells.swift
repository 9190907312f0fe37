import Loop
import Synchronization

/// A version's counts and times: each thread counts in cells of its own, and whoever asks sums them.
final class StatisticsCells: @unchecked Sendable {
    /// What is counted. Each with its sum of nanoseconds behind it.
    enum Kind: Int, CaseIterable {
        case success, failure, queue, input, compute, output, cancelled
        /// Count: rows. Sum: executions.
        case inferences
    }

    /// Batches up to this size have cells; larger ones are rare and long enough for a lock.
    private static let smallBatches = 64
    private static let kinds = Kind.allCases.count * 2
    /// Whole cache lines, so that stripes do not meet.
    private static let stride = ((kinds + (smallBatches + 1) * 2) + 7) / 8 * 8
    private let cells: UnsafeMutablePointer<Atomic<Int>>
    private let largeBatches = Lock<[Int: ModelStatistics.Sum]>([:])
    private let last = Atomic<Int64>(0)

    init() {
        let count = Stripes.count * StatisticsCells.stride
        cells = .allocate(capacity: count)
        for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: Stripes.count * StatisticsCells.stride)
        cells.deallocate()
    }

    /// One thread's cells, found once for several counts.
    struct Writer {
        fileprivate let base: UnsafeMutablePointer<Atomic<Int>>

        @inline(__always)
        func add(_ kind: Kind, _ count: Int, _ nanoseconds: Int64) {
            base[kind.rawValue * 2].wrappingAdd(count, ordering: .relaxed)
            base[kind.rawValue * 2 + 1].wrappingAdd(Int(nanoseconds), ordering: .relaxed)
        }
    }

    var writer: Writer { Writer(base: cells + Stripes.current * StatisticsCells.stride) }

    func requested(at instant: LoopInstant) { last.store(instant.nanoseconds, ordering: .relaxed) }

    /// When the last request came, on the loops' clock; nothing for never.
    var lastRequest: LoopInstant? {
        let nanoseconds = last.load(ordering: .relaxed)
        return nanoseconds == 0 ? nil : LoopInstant(nanoseconds: nanoseconds)
    }

    /// An execution of `rows` that took so long.
    func executed(rows: Int, nanoseconds: Int64, _ writer: Writer) {
        writer.add(.inferences, rows, 1)
        guard rows <= StatisticsCells.smallBatches, rows >= 0 else {
            return largeBatches.withLock { $0[rows, default: ModelStatistics.Sum()].add(1, nanoseconds) }
        }
        let cell = writer.base + StatisticsCells.kinds + rows * 2
        cell[0].wrappingAdd(1, ordering: .relaxed)
        cell[1].wrappingAdd(Int(nanoseconds), ordering: .relaxed)
    }

    private func sum(_ offset: Int) -> ModelStatistics.Sum {
        var sum = ModelStatistics.Sum()
        for stripe in 0..<Stripes.count {
            let cell = cells + stripe * StatisticsCells.stride + offset
            sum.add(
                UInt64(truncatingIfNeeded: cell[0].load(ordering: .relaxed)),
                Int64(cell[1].load(ordering: .relaxed)))
        }
        return sum
    }

    func read(into statistics: inout ModelStatistics) {
        func sum(_ kind: Kind) -> ModelStatistics.Sum { self.sum(kind.rawValue * 2) }
        statistics.success = sum(.success)
        statistics.failure = sum(.failure)
        statistics.queue = sum(.queue)
        statistics.input = sum(.input)
        statistics.compute = sum(.compute)
        statistics.output = sum(.output)
        statistics.cancelled = sum(.cancelled)
        let inferences = sum(.inferences)
        statistics.inferences = inferences.count
        statistics.executions = inferences.nanoseconds
        var batches = (0...StatisticsCells.smallBatches).map {
            (size: $0, compute: self.sum(StatisticsCells.kinds + $0 * 2))
        }.filter { $0.compute.count > 0 }
        let large = largeBatches.withLock { $0 }
        batches += large.sorted { $0.key < $1.key }.map { (size: $0.key, compute: $0.value) }
        statistics.batches = batches
    }
}

extension ModelStatistics.Sum {
    mutating func add(_ count: UInt64, _ nanoseconds: Int64) {
        self.count &+= count
        self.nanoseconds &+= UInt64(truncatingIfNeeded: nanoseconds)
    }
}
