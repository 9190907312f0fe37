import Glibc

/// A point in time to the microsecond, as `timestamptz` holds it.
public struct PostgresTimestamp: Hashable, Comparable, Sendable {
    /// Since 1970-01-01 00:00 UTC. The largest and the smallest value are the server's `infinity` and `-infinity`.
    public var microseconds: Int64

    /// 1970 to 2000, from where the server counts.
    private static let epoch: Int64 = 946_684_800_000_000

    public init(microseconds: Int64) { self.microseconds = microseconds }

    public static let distantFuture = PostgresTimestamp(microseconds: .max)
    public static let distantPast = PostgresTimestamp(microseconds: .min)

    public static var now: PostgresTimestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return PostgresTimestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    public static func < (left: PostgresTimestamp, right: PostgresTimestamp) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension PostgresTimestamp: CustomStringConvertible {
    /// RFC 3339 in UTC, with six digits of fraction.
    public var description: String {
        if self == .distantFuture { return "infinity" }
        if self == .distantPast { return "-infinity" }
        var seconds = time_t(microseconds / 1_000_000)
        var fraction = microseconds % 1_000_000
        if fraction < 0 {
            fraction += 1_000_000
            seconds -= 1
        }
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text: [UInt8] = []
        text.reserveCapacity(27)
        /// With so many digits at least, and what follows them.
        func add(_ value: some BinaryInteger, _ digits: Int, _ end: Unicode.Scalar) {
            if value < 0 { text.append(UInt8(ascii: "-")) }
            let magnitude = UInt64(value.magnitude)
            var scale: UInt64 = 1
            for _ in 1..<digits { scale *= 10 }
            while magnitude / scale >= 10 { scale *= 10 }
            while scale > 0 {
                text.append(UInt8(ascii: "0") + UInt8(magnitude / scale % 10))
                scale /= 10
            }
            text.append(UInt8(ascii: end))
        }
        add(parts.tm_year + 1900, 4, "-")
        add(parts.tm_mon + 1, 2, "-")
        add(parts.tm_mday, 2, "T")
        add(parts.tm_hour, 2, ":")
        add(parts.tm_min, 2, ":")
        add(parts.tm_sec, 2, ".")
        add(fraction, 6, "Z")
        return String(decoding: text, as: UTF8.self)
    }
}

extension PostgresTimestamp: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .timestamptz }

    public func encode(into buffer: inout [UInt8]) {
        let (value, overflow) = microseconds.subtractingReportingOverflow(PostgresTimestamp.epoch)
        buffer.appendBigEndian(overflow ? .min : (self == .distantFuture ? .max : value))
    }

    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> PostgresTimestamp {
        guard cell.type == .timestamptz || cell.type == .timestamp else { throw .mismatch }
        let value = try cell.integer(Int64.self)
        if value == .min { return .distantPast }
        let (sum, overflow) = value.addingReportingOverflow(epoch)
        return overflow ? .distantFuture : PostgresTimestamp(microseconds: sum)
    }
}
