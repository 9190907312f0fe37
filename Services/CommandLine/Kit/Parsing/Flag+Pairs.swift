/// `key=value`, as tags are written.
public struct Pair: Sendable, Equatable {
    public let key: String
    public let value: String

    /// - Returns: nil where there is no `=`, or nothing in front of it.
    public init?(_ text: String) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
        key = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }

    public static let wanted = "key=value, such as team=growth"
}

extension Flag where Value == [String: String] {
    /// `--tag team=growth`, many times; the last of a key counts.
    public static func pairs(_ name: String, _ help: String) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: "KEY=VALUE", help: help, repeats: true) { value in
                Pair(value) == nil ? Pair.wanted : nil
            }
        ) { texts in
            var pairs: [String: String] = [:]
            for pair in texts.compactMap({ Pair($0) }) { pairs[pair.key] = pair.value }
            return pairs
        }
    }
}

extension Flag where Value == [String: Double] {
    /// `--metric auc=0.93`, many times; the last of a key counts.
    public static func numbers(_ name: String, _ help: String) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: "KEY=NUMBER", help: help, repeats: true) { value in
                guard let pair = Pair(value), Double(pair.value) != nil else { return "key=number, such as auc=0.93" }
                return nil
            }
        ) { texts in
            var numbers: [String: Double] = [:]
            for pair in texts.compactMap({ Pair($0) }) { numbers[pair.key] = Double(pair.value) }
            return numbers
        }
    }
}
