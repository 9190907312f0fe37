import Loop

/// Time-outs as they travel in `grpc-timeout` and `connect-timeout-ms`.
enum CallTimeout {
    /// Reads `grpc-timeout`: at most eight digits and a unit.
    static func parse(grpc text: some StringProtocol) -> Duration? {
        guard let unit = text.last?.asciiValue, text.utf8.count >= 2, text.utf8.count <= 9,
            let value = digits(text.dropLast())
        else { return nil }
        switch unit {
        case UInt8(ascii: "H"): return .seconds(value * 3600)
        case UInt8(ascii: "M"): return .seconds(value * 60)
        case UInt8(ascii: "S"): return .seconds(value)
        case UInt8(ascii: "m"): return .milliseconds(value)
        case UInt8(ascii: "u"): return .microseconds(value)
        case UInt8(ascii: "n"): return .nanoseconds(value)
        default: return nil
        }
    }

    /// Reads `connect-timeout-ms`: at most ten digits.
    static func parse(connect text: some StringProtocol) -> Duration? {
        guard text.utf8.count <= 10 else { return nil }
        return digits(text).map { .milliseconds($0) }
    }

    private static func digits(_ text: some StringProtocol) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int64(text)
    }

    /// Writes `grpc-timeout` in the finest unit that fits eight digits, rounded up so that no time is taken away.
    static func format(grpc timeout: Duration) -> String {
        let nanoseconds = max(0, timeout.wholeNanoseconds)
        for (unit, size) in [("n", 1), ("u", 1000), ("m", 1_000_000), ("S", 1_000_000_000)] as [(String, Int64)] {
            let value = nanoseconds / size + (nanoseconds % size == 0 ? 0 : 1)
            if value <= 99_999_999 { return "\(value)\(unit)" }
        }
        return "\(min(nanoseconds / 3_600_000_000_000 + 1, 99_999_999))H"
    }

    /// Writes `connect-timeout-ms`, rounded up.
    static func format(connect timeout: Duration) -> String {
        let nanoseconds = max(0, timeout.wholeNanoseconds)
        return "\(min(nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1), 9_999_999_999))"
    }
}
