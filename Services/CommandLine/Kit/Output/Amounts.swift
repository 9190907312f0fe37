/// Numbers as people read them.
public enum Amounts {
    /// `0 bytes`, `1 byte`, `999 bytes`, `1.5 kB`, `12 MB`.
    public static func bytes(_ count: Int64) -> String {
        if count == 1 { return "1 byte" }
        guard count >= 1000 else { return "\(count) bytes" }
        var value = Double(count)
        for unit in ["kB", "MB", "GB", "TB", "PB", "EB"] {
            value /= 1000
            // What rounds to 1000 belongs to the next unit.
            if value < 999.5 || unit == "EB" { return "\(short(value)) \(unit)" }
        }
        return "\(count) bytes"
    }

    /// Two digits below ten, else none after the point.
    private static func short(_ value: Double) -> String {
        guard value < 9.95 else { return "\(Int(value.rounded()))" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// `2`, `0.5`: no more digits than it takes.
    public static func decimal(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    /// `1 file`, `3 files`.
    public static func count(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }

    /// `just now`, `5 minutes ago`, `in 3 days`. Beyond two years, years.
    public static func relative(_ seconds: Int64, now: Int64) -> String {
        let distance = now - seconds
        let size = abs(distance)
        if size < 5 { return "just now" }
        let units: [(Int64, String)] = [
            (31_557_600, "year"), (2_629_800, "month"), (604_800, "week"), (86_400, "day"), (3600, "hour"),
            (60, "minute"), (1, "second"),
        ]
        // Two of a unit before it is used: "90 minutes" says more than "1 hour".
        let (length, name) = units.first { size >= 2 * $0.0 } ?? (1, "second")
        let text = "\(size / length) \(name)s"
        return distance > 0 ? "\(text) ago" : "in \(text)"
    }

    /// `45s`, `3m 20s`, `2h 5m`.
    public static func span(_ seconds: Int) -> String {
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3600 { return "\(seconds / 60)m \(seconds % 60)s" }
        return "\(seconds / 3600)h \(seconds / 60 % 60)m"
    }
}
