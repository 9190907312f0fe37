/// A point in time as somebody wrote it, or a length of time before now.
public enum MomentText: Sendable, Equatable {
    /// RFC 3339.
    case absolute(String)
    case ago(seconds: Int64)

    /// `2h`, `7d`, `2026-03-01`, `2026-03-01T12:00:00Z`.
    /// - Returns: nil for anything else. Whether a date exists is for whoever reads it.
    public init?(_ text: String) {
        if let seconds = DurationText.seconds(text) {
            self = .ago(seconds: seconds)
            return
        }
        let shape = String(text.map { $0.isASCII && $0.isNumber ? "9" : $0 })
        if shape == "9999-99-99" {
            self = .absolute(text + "T00:00:00Z")
        } else if shape.hasPrefix("9999-99-99T99:99:99"), shape.count > 19 {
            self = .absolute(text)
        } else {
            return nil
        }
    }

    public static let wanted = "a time such as 2026-03-01, 2026-03-01T12:00:00Z, or 2h and 7d for so long ago"
}

/// A length of time: `90s`, `30m`, `12h`, `7d`, `4w`, and any of them in a row.
public enum DurationText {
    public static let wanted = "a length of time such as 30m, 12h or 90d"

    /// - Returns: nil for anything else, and for more than a thousand years.
    public static func seconds(_ text: String) -> Int64? {
        var rest = text[...]
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard digits.count < 12, let count = Int64(digits), let unit = rest.popFirst(), let factor = factor(unit)
            else { return nil }
            total += count * factor
        }
        return total <= 1000 * 366 * 86_400 ? total : nil
    }

    private static func factor(_ unit: Character) -> Int64? {
        switch unit {
        case "s": 1
        case "m": 60
        case "h": 3600
        case "d": 86_400
        case "w": 604_800
        default: nil
        }
    }
}

extension DurationText {
    public static let briefWanted = "a length of time such as 500ms, 2s or 5m"

    /// As `seconds`, and thousandths of them besides: `500ms`.
    public static func brief(_ text: String) -> Duration? {
        guard text.hasSuffix("ms") else { return seconds(text).map { .seconds($0) } }
        let digits = text.dropLast(2)
        guard !digits.isEmpty, digits.count < 12, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int64(digits).map { .milliseconds($0) }
    }
}

extension Flag where Value == MomentText? {
    public static func moment(_ name: String, _ help: String) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: "TIME", help: help) { MomentText($0) == nil ? MomentText.wanted : nil }
        ) { $0.last.flatMap { MomentText($0) } }
    }
}

extension Flag where Value == Duration? {
    public static func duration(_ name: String, _ help: String) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: "LENGTH", help: help) {
                DurationText.seconds($0) == nil ? DurationText.wanted : nil
            }
        ) { $0.last.flatMap { DurationText.seconds($0) }.map { .seconds($0) } }
    }

    /// A length that may be short: `500ms`.
    public static func brief(_ name: String, _ help: String) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: "LENGTH", help: help) {
                DurationText.brief($0) == nil ? DurationText.briefWanted : nil
            }
        ) { $0.last.flatMap { DurationText.brief($0) } }
    }
}
