/// Something that stands by its place: `slipway model register PATH`.
public struct Argument: Sendable {
    /// As the help writes it, in capitals.
    public let name: String
    public let help: String
    public let isRequired: Bool
    /// Takes all that follow; only the last of a command's can.
    public let repeats: Bool
    public let completion: FlagSpecification.Completion
    public let defect: @Sendable (String) -> String?

    public init(
        _ name: String, _ help: String, isRequired: Bool = true, repeats: Bool = false,
        completion: FlagSpecification.Completion = .nothing,
        defect: @escaping @Sendable (String) -> String? = { $0.isEmpty ? "something, not an empty text" : nil }
    ) {
        self.name = name
        self.help = help
        self.isRequired = isRequired
        self.repeats = repeats
        self.completion = completion
        self.defect = defect
    }

    /// As the line of usage writes it.
    var usage: String {
        let name = repeats ? "\(name)…" : name
        return isRequired ? name : "[\(name)]"
    }
}
