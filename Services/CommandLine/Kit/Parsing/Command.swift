/// A command, or a group of them.
public struct Command<Context: Sendable>: Sendable {
    public typealias Run = @Sendable (Values, Context) async throws -> Void

    /// A line to type, and what it does.
    public struct Example: Sendable {
        public let line: String
        public let meaning: String

        public init(_ line: String, _ meaning: String) {
            self.line = line
            self.meaning = meaning
        }
    }

    public let name: String
    /// One sentence.
    public let summary: String
    /// What else is to be known.
    public let details: String
    public let arguments: [Argument]
    public let flags: [FlagSpecification]
    public let examples: [Example]
    public let subcommands: [Command]
    /// Nil for a group.
    public let run: Run?

    /// A command that does something.
    public init(
        _ name: String, _ summary: String, details: String = "", arguments: [Argument] = [],
        flags: [FlagSpecification] = [], examples: [Example], run: @escaping Run
    ) {
        self.name = name
        self.summary = summary
        self.details = details
        self.arguments = arguments
        self.flags = flags
        self.examples = examples
        subcommands = []
        self.run = run
    }

    /// A group. A root's flags are for every command under it.
    public init(
        group name: String, _ summary: String, details: String = "", flags: [FlagSpecification] = [],
        examples: [Example] = [], _ subcommands: [Command]
    ) {
        self.name = name
        self.summary = summary
        self.details = details
        arguments = []
        self.flags = flags
        self.examples = examples
        self.subcommands = subcommands
        run = nil
    }
}
