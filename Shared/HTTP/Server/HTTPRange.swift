/// What part of a file a request asks for (RFC 9110, section 14).
public enum HTTPRange: Equatable, Sendable {
    case whole
    case part(Range<Int64>)
    case unsatisfiable

    /// - Parameters:
    ///   - fields: `range` and `if-range`. Ranges that are none, are in other units or are several at once are answered
    ///     with the whole, which the standard allows for each of them.
    ///   - entityTag: with its quotes.
    public init(_ fields: HeaderFields, size: Int64, entityTag: String) {
        guard let range = fields["range"] else {
            self = .whole
            return
        }
        // A date or a weak tag never proves that these are the bytes that the client has the beginning of.
        if let condition = fields["if-range"], condition != entityTag {
            self = .whole
            return
        }
        self = HTTPRange.parse(range, size: size)
    }

    public static func parse(_ text: String, size: Int64) -> HTTPRange {
        guard text.lowercased().hasPrefix("bytes=") else { return .whole }
        let value = text.dropFirst("bytes=".count).trimmed
        guard !value.contains(","), let dash = value.firstIndex(of: "-") else { return .whole }
        let first = value[..<dash].trimmed
        let last = value[value.index(after: dash)...].trimmed
        if first.isEmpty {
            guard let count = number(last) else { return .whole }
            guard count > 0, size > 0 else { return .unsatisfiable }
            return .part(max(0, size - count)..<size)
        }
        guard let start = number(first) else { return .whole }
        if last.isEmpty { return start < size ? .part(start..<size) : .unsatisfiable }
        guard let end = number(last), end >= start else { return .whole }
        return start < size ? .part(start..<min(size, end == .max ? end : end + 1)) : .unsatisfiable
    }

    /// Digits alone; what is beyond all files is as far as one can be.
    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(text) ?? .max
    }

    /// Whether `if-none-match` says that the client has these bytes. Weak tags compare as strong ones here.
    public static func isKnown(_ fields: HeaderFields, entityTag: String) -> Bool {
        fields.values("if-none-match").contains { value in
            value.split(separator: ",").map(\.trimmed).contains { tag in
                tag == "*" || tag == entityTag || tag.hasPrefix("W/") && tag.dropFirst(2) == entityTag
            }
        }
    }
}

extension Substring {
    /// Without blanks at the ends.
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " || $0 == "\t" }
        guard let last = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return start.prefix(0) }
        return start[...last]
    }
}
