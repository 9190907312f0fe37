/// A flag with the type of what it says: `values[flag]`.
public struct Flag<Value: Sendable>: Sendable {
    public let specification: FlagSpecification
    /// Of texts that the specification found nothing wrong with; none where the flag was not given.
    let read: @Sendable ([String]) -> Value

    public init(_ specification: FlagSpecification, read: @escaping @Sendable ([String]) -> Value) {
        self.specification = specification
        self.read = read
    }
}

extension Flag where Value == Bool {
    /// There or not there.
    public static func `switch`(_ name: String, short: Character? = nil, _ help: String) -> Flag {
        Flag(FlagSpecification(name, short: short, placeholder: nil, help: help)) { !$0.isEmpty }
    }
}

extension Flag where Value == String? {
    public static func text(
        _ name: String, short: Character? = nil, _ placeholder: String, _ help: String,
        completion: FlagSpecification.Completion = .nothing
    ) -> Flag {
        Flag(
            FlagSpecification(name, short: short, placeholder: placeholder, help: help, completion: completion)
        ) { $0.last }
    }

    /// One of some words.
    public static func choice(
        _ name: String, short: Character? = nil, _ words: [String], _ help: String
    ) -> Flag {
        Flag(
            FlagSpecification(
                name, short: short, placeholder: words.joined(separator: "|"), help: help, completion: .words(words)
            ) { value in
                guard !words.contains(value) else { return nil }
                let near = Suggestion.nearest(to: value, among: words).map { "; did you mean \($0)?" } ?? ""
                return "one of \(words.joined(separator: ", "))\(near)"
            }
        ) { $0.last }
    }
}

extension Flag where Value == String {
    /// A text that must be given.
    public static func required(_ name: String, _ placeholder: String, _ help: String) -> Flag {
        Flag(FlagSpecification(name, placeholder: placeholder, help: help, isRequired: true)) { $0.last ?? "" }
    }

    /// A choice that must be made.
    public static func requiredChoice(_ name: String, _ words: [String], _ help: String) -> Flag {
        var specification = Flag<String?>.choice(name, words, help).specification
        specification.isRequired = true
        return Flag(specification) { $0.last ?? "" }
    }
}

extension Flag where Value == [String] {
    /// A text that can be given many times.
    public static func list(
        _ name: String, _ placeholder: String, _ help: String,
        defect: @escaping @Sendable (String) -> String? = { _ in nil }
    ) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: placeholder, help: help, repeats: true, defect: defect)
        ) { $0 }
    }
}

extension Flag where Value == Int? {
    /// A whole number.
    public static func integer(
        _ name: String, _ placeholder: String, in range: ClosedRange<Int>, _ help: String
    ) -> Flag {
        Flag(
            FlagSpecification(name, placeholder: placeholder, help: help) { value in
                Int(value).map(range.contains) == true
                    ? nil : "a whole number from \(range.lowerBound) to \(range.upperBound)"
            }
        ) { $0.last.flatMap { Int($0) } }
    }
}
