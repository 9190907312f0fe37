/// What was said on the command line, by flag and argument.
public struct Values: Sendable, Equatable {
    var flags: [String: [String]] = [:]
    var arguments: [String: [String]] = [:]

    public subscript<Value>(flag: Flag<Value>) -> Value { flag.read(flags[flag.specification.name] ?? []) }

    /// The text of an argument; empty where it may be left out and was.
    public subscript(argument: Argument) -> String { arguments[argument.name]?.first ?? "" }

    /// All texts of an argument that repeats.
    public func all(_ argument: Argument) -> [String] { arguments[argument.name] ?? [] }
}

extension Values {
    /// Whether a flag was given, be it with what holds without it.
    public func has(_ flag: FlagSpecification) -> Bool { flags[flag.name] != nil }
}
