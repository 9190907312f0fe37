import Glibc
import Loop
import Synchronization

/// What a metric measures and which labels its series have.
struct MetricDescription: Sendable {
    enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }
    var name: String
    var help: String
    var kind: Kind
    var labels: [String]
}

/// One number per stripe, each on a cache line of its own.
final class StripedInteger: @unchecked Sendable {
    private static let stride = 8
    private let cells: UnsafeMutablePointer<Atomic<Int>>

    init() {
        cells = .allocate(capacity: Stripes.count * StripedInteger.stride)
        for index in 0..<Stripes.count * StripedInteger.stride { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: Stripes.count * StripedInteger.stride)
        cells.deallocate()
    }

    @inline(__always) func add(_ value: Int, stripe: Int = Stripes.current) {
        cells[stripe * StripedInteger.stride].wrappingAdd(value, ordering: .relaxed)
    }

    var sum: Int {
        (0..<Stripes.count).reduce(0) { $0 &+ cells[$1 * StripedInteger.stride].load(ordering: .relaxed) }
    }
}

/// Something that only grows.
public final class Counter: Sendable {
    private let cell = StripedInteger()

    init() {}

    /// Lock-free. Negative numbers are ignored: a counter never falls.
    public func add(_ value: Int = 1) { if value > 0 { cell.add(value) } }

    public var value: Int { cell.sum }
}

/// Something that rises and falls.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    init() {}

    public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    /// Lock-free.
    public func add(_ value: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + value).bitPattern
            let (isDone, seen) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if isDone { return }
            old = seen
        }
    }

    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// How long things took, or how large they were, in buckets.
public final class Histogram: Sendable {
    /// From 100 µs to 10 s, for calls.
    public static let latencyBounds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    let bounds: [Double]
    private let buckets: [StripedInteger]
    /// In billionths, so that adding is one instruction.
    private let total = StripedInteger()

    init(bounds: [Double]) {
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in StripedInteger() }
    }

    /// Lock-free.
    public func record(_ duration: Duration) {
        record(Double(duration.wholeNanoseconds) / 1e9, billionths: Int(duration.wholeNanoseconds))
    }

    /// Lock-free. Values over nine billion or not finite are left out of the sum's precision: they are cut.
    public func record(_ value: Double) {
        record(value, billionths: value.isFinite ? Int(max(-9e18, min(9e18, value * 1e9))) : 0)
    }

    private func record(_ value: Double, billionths: Int) {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        let stripe = Stripes.current
        buckets[low].add(1, stripe: stripe)
        total.add(billionths, stripe: stripe)
    }

    /// Per bound, how many were at most that, and last all of them.
    var cumulative: [Int] {
        var sum = 0
        return buckets.map { bucket in
            sum += bucket.sum
            return sum
        }
    }
    var sum: Double { Double(total.sum) / 1e9 }
    public var count: Int { cumulative.last ?? 0 }
}
