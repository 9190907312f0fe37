/// A point in time in microseconds since 1970, as the database counts.
struct Moment: Hashable, Comparable, Sendable {
    var microseconds: Int64

    func advanced(by duration: Duration) -> Moment {
        let (sum, overflow) = microseconds.addingReportingOverflow(duration.microsecondsOfControl)
        return Moment(microseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// Negative where `other` is earlier.
    func duration(to other: Moment) -> Duration { .microseconds(other.microseconds - microseconds) }

    static func < (left: Moment, right: Moment) -> Bool { left.microseconds < right.microseconds }
}

extension Duration {
    /// Saturated at the range of `Int64`.
    var microsecondsOfControl: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return overflow || carried ? (seconds < 0 ? .min : .max) : sum
    }

    var inSeconds: Double { Double(microsecondsOfControl) / 1e6 }
}
