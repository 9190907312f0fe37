/// A pattern for one name: `*`, `?`, `[a-z]`, `[!a-z]`, `[[:digit:]]`, and `\` in front of what is meant as it stands.
struct GlobPattern: Sendable, Equatable {
    private enum Element: Sendable, Equatable {
        case scalar(Unicode.Scalar)
        case any
        case many
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    private var elements: [Element] = []

    /// - Returns: nil where a bracket or an escape is left open: it matches nothing.
    init?(_ text: some StringProtocol) {
        var rest = Substring(text).unicodeScalars
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if elements.last != .many { elements.append(.many) }
            case "?": elements.append(.any)
            case "[":
                guard let set = GlobPattern.set(&rest) else { return nil }
                elements.append(set)
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                elements.append(.scalar(escaped))
            default: elements.append(.scalar(scalar))
            }
        }
    }

    func matches(_ name: some StringProtocol) -> Bool {
        let scalars = Array(name.unicodeScalars)
        return Wildcards.match(elements, scalars, isMany: { $0 == .many }) { element, scalar in
            switch element {
            case .scalar(let wanted): wanted == scalar
            case .any, .many: true
            case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
            }
        }
    }

    /// What stands in brackets, of which the first is gone.
    private static func set(_ rest: inout Substring.UnicodeScalarView) -> Element? {
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let isNegated = rest.first == "!" || rest.first == "^"
        if isNegated { rest.removeFirst() }
        var isFirst = true
        while let scalar = rest.popFirst() {
            if scalar == "]", !isFirst { return .set(ranges, isNegated: isNegated) }
            isFirst = false
            if scalar == "[", rest.first == ":" {
                guard let named = namedClass(&rest) else { return nil }
                ranges += named
                continue
            }
            guard let low = literal(scalar, &rest) else { return nil }
            guard rest.first == "-", let after = rest.dropFirst().first, after != "]" else {
                ranges.append(low...low)
                continue
            }
            rest.removeFirst()
            guard let next = rest.popFirst(), let high = literal(next, &rest) else { return nil }
            if low <= high { ranges.append(low...high) }
        }
        return nil
    }

    private static func literal(
        _ scalar: Unicode.Scalar, _ rest: inout Substring.UnicodeScalarView
    ) -> Unicode.Scalar? {
        scalar == "\\" ? rest.popFirst() : scalar
    }

    private static func namedClass(
        _ rest: inout Substring.UnicodeScalarView
    ) -> [ClosedRange<Unicode.Scalar>]? {
        let name = rest.dropFirst().prefix { $0 != ":" }
        let after = rest.dropFirst(1 + name.count)
        guard after.starts(with: ":]".unicodeScalars) else { return nil }
        rest = after.dropFirst(2)
        switch String(name) {
        case "alpha": return ["a"..."z", "A"..."Z"]
        case "digit": return ["0"..."9"]
        case "alnum": return ["a"..."z", "A"..."Z", "0"..."9"]
        case "lower": return ["a"..."z"]
        case "upper": return ["A"..."Z"]
        case "xdigit": return ["0"..."9", "a"..."f", "A"..."F"]
        case "space": return [" "..." ", "\t"..."\r"]
        case "blank": return [" "..." ", "\t"..."\t"]
        case "punct": return ["!"..."/", ":"..."@", "["..."`", "{"..."~"]
        default: return nil
        }
    }
}

/// Patterns with elements that stand for any number of whatever there is.
enum Wildcards {
    /// Takes as little as possible for each such element and comes back to the last where that was too little: no
    /// pattern takes longer than its length times that of what it is held against.
    static func match<Element, Item>(
        _ pattern: [Element], _ items: [Item], isMany: (Element) -> Bool, _ matches: (Element, Item) -> Bool
    ) -> Bool {
        var place = 0
        var item = 0
        var restart: (place: Int, item: Int)?
        while item < items.count {
            if place < pattern.count, isMany(pattern[place]) {
                restart = (place + 1, item)
                place += 1
            } else if place < pattern.count, matches(pattern[place], items[item]) {
                place += 1
                item += 1
            } else if let last = restart {
                restart = (last.place, last.item + 1)
                place = last.place
                item = last.item + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy(isMany)
    }
}
