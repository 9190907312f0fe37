import Loop
import Synchronization

/// The series of one metric by the values of their labels. Bounded: what comes after the limit is counted in one series
/// whose labels all say `other`, so that a label that holds a name from outside can't fill the memory.
public final class MetricFamily<Series: AnyObject & Sendable>: Sendable {
    public static var overflowLabel: String { "other" }

    let description: MetricDescription
    private let limit: Int
    private let make: @Sendable () -> Series
    private let series = Lock<[[String]: Series]>([:])
    /// What each stripe has looked up already, so that threads do not wait for each other on the way to a series.
    private let known: [Lock<[[String]: Series]>]
    private let overflow = Atomic<Int>(0)

    init(_ description: MetricDescription, limit: Int, make: @escaping @Sendable () -> Series) {
        self.description = description
        self.limit = limit
        self.make = make
        known = (0..<Stripes.count).map { _ in Lock([:]) }
    }

    /// The series with these values, in the order of the labels. Keep it where that is possible: looking it up costs a
    /// lock that no other thread wants.
    public func with(_ values: String...) -> Series { find(values) }

    func find(_ values: [String]) -> Series {
        let stripe = Stripes.current
        if let found = known[stripe].withLock({ $0[values] }) { return found }
        let (found, isOwn) = lookUp(values)
        if isOwn { known[stripe].withLock { $0[values] = found } }
        return found
    }

    private func lookUp(_ values: [String]) -> (Series, isOwn: Bool) {
        series.withLock { series in
            if let found = series[values] { return (found, true) }
            let other = description.labels.map { _ in MetricFamily.overflowLabel }
            // A wrong number of values is a mistake of the program; it must not take the service down.
            if values.count == description.labels.count, series.count < limit || values == other {
                let made = make()
                series[values] = made
                return (made, true)
            }
            overflow.add(1, ordering: .relaxed)
            if let found = series[other] { return (found, false) }
            let made = make()
            series[other] = made
            return (made, false)
        }
    }

    /// Look-ups that ended in the overflow series.
    public var overflowCount: Int { overflow.load(ordering: .relaxed) }

    var all: [(values: [String], series: Series)] {
        series.withLock { $0.map { (values: $0.key, series: $0.value) } }
            .sorted { $0.values.lexicographicallyPrecedes($1.values) }
    }
}
