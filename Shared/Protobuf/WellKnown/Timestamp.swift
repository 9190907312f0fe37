extension Google.Protobuf.Timestamp {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws {
        guard CalendarTime.range.contains(seconds), nanos >= 0, nanos < 1_000_000_000 else {
            throw ProtobufError(.outOfRange, "a Timestamp lies between the years 1 and 9999, with 0 to 999999999 nanos")
        }
        json.string(text)
    }

    /// RFC 3339 in UTC.
    private var text: String {
        let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let second = seconds - day * 86_400
        let date = CalendarTime.date(day: day)
        func padded(_ value: Int64, _ width: Int) -> String { CalendarTime.padded(value, width) }
        let calendar = "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
        let clock = "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        return "\(calendar)T\(clock)\(CalendarTime.fraction(nanos))Z"
    }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        let before = json
        guard let value = Self(rfc3339: try json.string()) else {
            throw before.failure(.invalidValue, "a Timestamp looks like 2024-02-29T12:30:00.5Z")
        }
        seconds = value.seconds
        nanos = value.nanos
    }

    /// Reads RFC 3339 with any offset; nil when the text is not that, or lies outside the years 1 to 9999.
    public init?(rfc3339 text: String) {
        var rest = text[...].utf8
        guard let year = CalendarTime.takeDigits(&rest, 4), CalendarTime.take(&rest, "-"),
            let month = CalendarTime.takeDigits(&rest, 2), CalendarTime.take(&rest, "-"),
            let day = CalendarTime.takeDigits(&rest, 2), CalendarTime.take(&rest, "T"),
            let hour = CalendarTime.takeDigits(&rest, 2), CalendarTime.take(&rest, ":"),
            let minute = CalendarTime.takeDigits(&rest, 2), CalendarTime.take(&rest, ":"),
            let second = CalendarTime.takeDigits(&rest, 2), let nanos = CalendarTime.takeFraction(&rest),
            let offset = Self.takeOffset(&rest), rest.isEmpty
        else { return nil }
        guard year >= 1, (1...12).contains(month), day >= 1, day <= CalendarTime.daysIn(month: month, year: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let days = CalendarTime.day(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        guard CalendarTime.range.contains(seconds) else { return nil }
        self.init(seconds: seconds, nanos: nanos)
    }

    /// `Z` or an offset such as `+02:00`, in seconds.
    private static func takeOffset(_ text: inout Substring.UTF8View) -> Int64? {
        if CalendarTime.take(&text, "Z") { return 0 }
        let sign: Int64 = text.first == UInt8(ascii: "-") ? -1 : 1
        guard CalendarTime.take(&text, "+") || CalendarTime.take(&text, "-"),
            let hours = CalendarTime.takeDigits(&text, 2), CalendarTime.take(&text, ":"),
            let minutes = CalendarTime.takeDigits(&text, 2), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
