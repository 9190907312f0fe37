import Protobuf

enum EventTime {
    /// A day, which begins at midnight UTC, or a time of RFC 3339. Microseconds since 1970; nil for anything else.
    static func parse(_ text: String) -> Int64? {
        let isDay = text.utf8.count == 10
        guard let time = Google.Protobuf.Timestamp(rfc3339: isDay ? text + "T00:00:00Z" : text) else { return nil }
        return time.seconds * 1_000_000 + Int64(time.nanos) / 1000
    }
}
