/// What the parser, the help and the completion know of a flag.
public struct FlagSpecification: Sendable {
    /// What may be offered as a value while somebody types.
    public enum Completion: Sendable, Equatable {
        case nothing
        case files
        case folders
        case words([String])
    }

    /// Without the dashes.
    public let name: String
    public let short: Character?
    /// Stands for the value in the help; nil where the flag takes none.
    public let placeholder: String?
    public let help: String
    public let repeats: Bool
    public var isRequired: Bool
    public let completion: Completion
    /// What a value must be, where it is not; nil where it is fine.
    public let defect: @Sendable (String) -> String?

    public init(
        _ name: String, short: Character? = nil, placeholder: String?, help: String, repeats: Bool = false,
        isRequired: Bool = false, completion: Completion = .nothing,
        defect: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.name = name
        self.short = short
        self.placeholder = placeholder
        self.help = help
        self.repeats = repeats
        self.isRequired = isRequired
        self.completion = completion
        self.defect = defect
    }
}
