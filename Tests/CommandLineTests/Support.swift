import CommandLineKit

/// A small program to parse for: what it was asked for is all that it does.
enum Sample {
    static let server = Flag.text("server", "ADDRESS", "where")
    static let output = Flag.choice("output", short: "o", ["table", "json", "yaml"], "how")
    static let quiet = Flag.switch("quiet", short: "q", "less")
    static let name = Flag.required("name", "NAME", "the name")
    static let tags = Flag.pairs("tag", "a label")
    static let metrics = Flag.numbers("metric", "a number")
    static let limit = Flag.integer("limit", "COUNT", in: 1...100, "at most")
    static let since = Flag.moment("since", "not before")
    static let lifetime = Flag.duration("lifetime", "how long")
    static let path = Argument("PATH", "a file", completion: .files)
    static let keys = Argument("KEY", "what to remove", repeats: true)
    static let optional = Argument("ALIAS", "only this", isRequired: false)

    static let root = Command<Int>(
        group: "sample", "Does nothing.",
        flags: [server.specification, output.specification, quiet.specification],
        [
            Command(
                group: "model", "Models.",
                [
                    Command(
                        "register", "Registers.", details: "Sends what lacks.", arguments: [path],
                        flags: [
                            name.specification, tags.specification, metrics.specification, limit.specification,
                            since.specification, lifetime.specification,
                        ], examples: [.init("sample model register x --name y", "one")]
                    ) { _, _ in },
                    Command("untag", "Removes.", arguments: [path, keys], examples: []) { _, _ in },
                    Command("history", "Tells.", arguments: [optional], examples: []) { _, _ in },
                ]),
            Command("whoami", "Says who.", examples: []) { _, _ in },
        ])

    /// The command and what was said to it; nil where help was asked for.
    static func parse(_ line: [String]) throws -> (path: String, values: Values)? {
        guard case .run(_, let values, let path) = try Parser.parse(root, line) else { return nil }
        return (path, values)
    }
}
