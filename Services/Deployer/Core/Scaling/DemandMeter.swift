internal import Contracts

/// Who counted, and of which revision.
struct CounterKey: Hashable, Sendable {
    var router: String
    var revision: Int
}

/// What a router counted since it began, and what there was at that moment.
struct CounterReading: Equatable, Sendable {
    var at: Moment
    var requests: Int64 = 0
    var failures: Int64 = 0
    var busySeconds = 0.0
    var latencies: [Int64] = []
    var inFlight = 0
    var waiting = 0
    /// Its router was not heard of for a while: what was under way there is not any more.
    var isStale = false

    init(_ report: Slipway.Routing.V1.RouteReport, at: Moment, isStale: Bool = false) {
        self.at = at
        requests = report.requests
        failures = report.failures
        busySeconds = report.busySeconds
        latencies = report.latencies
        inFlight = Int(report.inFlight)
        waiting = Int(report.waiting)
        self.isStale = isStale
    }
}

/// Makes the demand on one deployment of what its routers counted. It is told of readings in any order and asked at any time.
struct DemandMeter: Equatable, Sendable {
    private struct Rate: Equatable {
        var reading: CounterReading
        var requests = 0.0
        var busy = 0.0
        var span = 1.0
    }
    private var rates: [CounterKey: Rate] = [:]
    /// Routers report once a second, and only where something changed: what was not reported for so long did not happen.
    private static let silence = Duration.milliseconds(2500)

    mutating func take(_ reading: CounterReading, of key: CounterKey) {
        guard let before = rates[key] else {
            // What it counted before anybody looked says nothing of now.
            rates[key] = Rate(reading: reading)
            return
        }
        guard reading != before.reading else { return }
        guard reading.at > before.reading.at else {
            rates[key]?.reading.isStale = reading.isStale
            return
        }
        let passed = before.reading.at.duration(to: reading.at).inSeconds
        // After a silence everything happened within the last second.
        let span = max(0.05, passed > 2.5 ? 1 : passed)
        let began = reading.requests < before.reading.requests
        let requests = Double(reading.requests - (began ? 0 : before.reading.requests))
        let busy = reading.busySeconds - (began ? 0 : before.reading.busySeconds)
        rates[key] = Rate(reading: reading, requests: requests / span, busy: max(0, busy) / span, span: span)
    }

    /// Forgets what is not in the table any more.
    mutating func keep(_ keys: Set<CounterKey>) { rates = rates.filter { keys.contains($0.key) } }

    /// What is asked now, and when that changes though nothing more is heard.
    func demand(at now: Moment) -> (demand: Demand, changes: Moment?) {
        var demand = Demand()
        var busy = 0.0
        var changes: Moment?
        for rate in rates.values {
            let end = rate.reading.at.advanced(by: DemandMeter.silence)
            if rate.requests > 0, now < end {
                demand.rate += rate.requests
                busy += rate.busy
                demand.span = max(demand.span, rate.span)
                changes = changes.map { min($0, end) } ?? end
            }
            guard !rate.reading.isStale else { continue }
            demand.inFlight += Double(rate.reading.inFlight)
            demand.waiting += rate.reading.waiting
        }
        if demand.rate > 0 { demand.duration = busy / demand.rate }
        return (demand, changes)
    }
}
