/// How much a record matters.
public enum LogLevel: String, Sendable, Comparable, ConfigurationChoice {
    case trace, debug, info, notice, warning, error, critical

    private var rank: Int { LogLevel.allCases.firstIndex(of: self) ?? 0 }

    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}

/// A fact of a record.
public enum LogValue: Sendable, Equatable {
    case string(String)
    case integer(Int)
    case double(Double)
    case bool(Bool)
    /// Never printed.
    case secret

    public init(_ duration: Duration) { self = .string(duration.logText) }
    public init(_ secret: Secret) { self = .secret }
    public init(_ value: some CustomStringConvertible) { self = .string(value.description) }
}

extension LogValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension Duration {
    /// Milliseconds with three digits: `12.345ms`.
    var logText: String {
        let micros = wholeNanosecondsForLog / 1000
        let rest = String(micros % 1000)
        return "\(micros / 1000).\(String(repeating: "0", count: max(0, 3 - rest.count)))\(rest)ms"
    }

    private var wholeNanosecondsForLog: Int64 {
        let (seconds, attoseconds) = components
        return max(
            0, seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ attoseconds / 1_000_000_000)
    }
}

/// One line of a log.
public struct LogRecord: Sendable {
    /// Nanoseconds since 1970.
    public var time: Int64
    public var level: LogLevel
    /// Which part of the program speaks.
    public var part: String
    public var message: String
    public var fields: [(name: String, value: LogValue)]
    public var trace: TraceContext?
}
