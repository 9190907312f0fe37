internal import Protobuf

/// Times as engines write them.
enum EngineTime {
    /// Nanoseconds since 1970 of `2026-11-21T07:26:23.335238936Z`; nil where it is none, or what engines write for never.
    static func nanoseconds(of text: some StringProtocol) -> Int64? {
        guard let time = Google.Protobuf.Timestamp(rfc3339: String(text)), time.seconds > 0 else { return nil }
        let (scaled, overflow) = time.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? nil : scaled + Int64(time.nanos)
    }

    /// Seconds since 1970 of `Sat, 21 Nov 2026 07:26:24 GMT`.
    static func seconds(ofHTTPDate text: String) -> Int64? {
        let words = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        return Google.Protobuf.Timestamp(rfc3339: "\(words[3])-\(number)-\(words[1])T\(words[4])Z")?.seconds
    }

    /// A point in time as engines read it: seconds and a fraction.
    static func text(of nanoseconds: Int64) -> String {
        let fraction = String(nanoseconds % 1_000_000_000)
        return "\(nanoseconds / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.utf8.count))\(fraction)"
    }
}
