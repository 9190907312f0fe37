import Loop

/// The metrics of a process. Names are Prometheus's: `slipway_calls_total`, with the unit behind the name.
public final class MetricsRegistry: Sendable {
    /// A metric as it is written out.
    struct Entry: Sendable {
        let description: MetricDescription
        let samples: @Sendable () -> [MetricSample]
    }

    /// Series that one metric may have.
    public let seriesLimit: Int
    private let entries = Lock<[String: Entry]>([:])

    public init(seriesLimit: Int = 1000) { self.seriesLimit = seriesLimit }

    /// A counter with labels. Its name ends in `_total`.
    public func counters(_ name: String, _ help: String, labels: [String]) -> MetricFamily<Counter> {
        precondition(name.hasSuffix("_total"), "the name of the counter \(name) must end in _total")
        let family = MetricFamily(describe(name, help, .counter, labels), limit: seriesLimit) { Counter() }
        add(family.description) {
            family.all.map { MetricSample(labels: $0.values, value: .integer($0.series.value)) }
        }
        return family
    }

    public func counter(_ name: String, _ help: String) -> Counter { counters(name, help, labels: []).with() }

    public func gauges(_ name: String, _ help: String, labels: [String]) -> MetricFamily<Gauge> {
        let family = MetricFamily(describe(name, help, .gauge, labels), limit: seriesLimit) { Gauge() }
        add(family.description) {
            family.all.map { MetricSample(labels: $0.values, value: .double($0.series.value)) }
        }
        return family
    }

    public func gauge(_ name: String, _ help: String) -> Gauge { gauges(name, help, labels: []).with() }

    /// A gauge that is asked when somebody looks. `read` must be quick and must not block.
    public func gauge(_ name: String, _ help: String, read: @escaping @Sendable () -> Double) {
        add(describe(name, help, .gauge, [])) { [MetricSample(labels: [], value: .double(read()))] }
    }

    /// A counter that is kept elsewhere.
    public func counter(_ name: String, _ help: String, read: @escaping @Sendable () -> Double) {
        precondition(name.hasSuffix("_total"), "the name of the counter \(name) must end in _total")
        add(describe(name, help, .counter, [])) { [MetricSample(labels: [], value: .double(read()))] }
    }

    /// Counters with labels that are kept elsewhere. `read` must be quick; at most `seriesLimit` of them are shown.
    public func counters(
        _ name: String, _ help: String, labels: [String],
        read: @escaping @Sendable () -> [(values: [String], value: Double)]
    ) {
        precondition(name.hasSuffix("_total"), "the name of the counter \(name) must end in _total")
        add(describe(name, help, .counter, labels), read)
    }

    /// Gauges with labels that are asked when somebody looks. As for counters.
    public func gauges(
        _ name: String, _ help: String, labels: [String],
        read: @escaping @Sendable () -> [(values: [String], value: Double)]
    ) { add(describe(name, help, .gauge, labels), read) }

    private func add(
        _ description: MetricDescription, _ read: @escaping @Sendable () -> [(values: [String], value: Double)]
    ) {
        let limit = seriesLimit
        add(description) { () -> [MetricSample] in
            read().prefix(limit).filter { $0.values.count == description.labels.count }.map {
                MetricSample(labels: $0.values, value: .double($0.value))
            }
        }
    }

    /// - Parameter bounds: the buckets' upper ends, rising.
    public func histograms(
        _ name: String, _ help: String, labels: [String], bounds: [Double] = Histogram.latencyBounds
    ) -> MetricFamily<Histogram> {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "the bounds of \(name) must rise")
        let family = MetricFamily(describe(name, help, .histogram, labels), limit: seriesLimit) {
            Histogram(bounds: bounds)
        }
        add(family.description) {
            family.all.map { entry in
                MetricSample(
                    labels: entry.values,
                    value: .histogram(
                        bounds: bounds, cumulative: entry.series.cumulative, sum: entry.series.sum))
            }
        }
        return family
    }

    public func histogram(_ name: String, _ help: String, bounds: [Double] = Histogram.latencyBounds) -> Histogram {
        histograms(name, help, labels: [], bounds: bounds).with()
    }

    private func describe(
        _ name: String, _ help: String, _ kind: MetricDescription.Kind, _ labels: [String]
    ) -> MetricDescription {
        precondition(
            MetricsRegistry.isName(name) && labels.allSatisfy(MetricsRegistry.isName), "no name: \(name) \(labels)")
        return MetricDescription(name: name, help: help, kind: kind, labels: labels)
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }

    private func add(_ description: MetricDescription, _ samples: @escaping @Sendable () -> [MetricSample]) {
        entries.withLock { entries in
            precondition(entries[description.name] == nil, "the metric \(description.name) is there already")
            entries[description.name] = Entry(description: description, samples: samples)
        }
    }

    var all: [Entry] { entries.withLock { Array($0.values) }.sorted { $0.description.name < $1.description.name } }
}

/// One series at one moment.
struct MetricSample: Sendable {
    enum Value: Sendable {
        case integer(Int)
        case double(Double)
        case histogram(bounds: [Double], cumulative: [Int], sum: Double)
    }
    var labels: [String]
    var value: Value
}
