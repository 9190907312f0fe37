extension Google.Protobuf.Duration {
    public static var hasCustomJSON: Bool { true }

    /// About 10,000 years.
    private static let limit: Int64 = 315_576_000_000

    public func encodeJSON(into json: inout JSONWriter) throws {
        guard seconds.magnitude <= Self.limit.magnitude, nanos.magnitude < 1_000_000_000 else {
            throw ProtobufError(.outOfRange, "a Duration has at most \(Self.limit) seconds and 999999999 nanos")
        }
        guard seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0) else {
            throw ProtobufError(.invalidValue, "a Duration's seconds and nanos have the same sign")
        }
        let sign = seconds < 0 || nanos < 0 ? "-" : ""
        json.string("\(sign)\(seconds.magnitude)\(CalendarTime.fraction(Int32(nanos.magnitude)))s")
    }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        let before = json
        let text = try json.string()
        guard let value = Self.parse(text) else {
            throw before.failure(.invalidValue, "a Duration looks like 1.5s and has at most \(Self.limit) seconds")
        }
        (seconds, nanos) = value
    }

    private static func parse(_ text: String) -> (Int64, Int32)? {
        var rest = text[...].utf8
        let isNegative = CalendarTime.take(&rest, "-")
        var seconds: Int64 = 0
        var count = 0
        while let digit = CalendarTime.takeDigits(&rest, 1) {
            seconds = seconds * 10 + digit
            count += 1
            guard seconds <= limit else { return nil }
        }
        guard count > 0, let nanos = CalendarTime.takeFraction(&rest), CalendarTime.take(&rest, "s"), rest.isEmpty
        else { return nil }
        return isNegative ? (-seconds, -nanos) : (seconds, nanos)
    }
}

extension Google.Protobuf.Duration {
    /// The same span; what is finer than a nanosecond is cut off.
    public init(_ duration: Swift.Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(seconds: seconds, nanos: Int32(truncatingIfNeeded: attoseconds / 1_000_000_000))
    }
}

extension Swift.Duration {
    public init(_ duration: Google.Protobuf.Duration) {
        self = .seconds(duration.seconds) + .nanoseconds(Int64(duration.nanos))
    }
}
