/// Finds in a command line the command, its flags and its arguments.
///
/// Flags may stand anywhere after the command that has them, those of the root everywhere: `--name churn`, `--name=churn`,
/// `-o json`. After `--` everything is an argument.
public struct Parser<Context: Sendable> {
    /// What was asked for.
    public enum Outcome: Sendable {
        case run(Command<Context>, Values, path: String)
        case help(Command<Context>, path: String)
    }

    private let root: Command<Context>
    private var rest: ArraySlice<String>
    private var command: Command<Context>
    private var names: [String]
    private var values = Values()
    private var texts: [String] = []
    private var wantsHelp = false

    private var path: String { names.joined(separator: " ") }
    private var flags: [FlagSpecification] { names.count == 1 ? root.flags : command.flags + root.flags }

    /// - Parameter arguments: without the program's name.
    /// - Throws: `UsageError`.
    public static func parse(_ root: Command<Context>, _ arguments: [String]) throws -> Outcome {
        var parser = Parser(root: root, rest: arguments[...], command: root, names: [root.name])
        return try parser.parse()
    }

    private init(root: Command<Context>, rest: ArraySlice<String>, command: Command<Context>, names: [String]) {
        self.root = root
        self.rest = rest
        self.command = command
        self.names = names
    }

    private mutating func parse() throws -> Outcome {
        var isLiteral = false
        while let word = rest.popFirst() {
            if isLiteral || word == "-" || !word.hasPrefix("-") {
                try take(word)
            } else if word == "--" {
                isLiteral = true
            } else if word.hasPrefix("--") {
                try takeLong(word.dropFirst(2))
            } else {
                try takeShort(word)
            }
        }
        if wantsHelp { return .help(command, path: path) }
        guard command.run != nil else {
            if names.count == 1 { return .help(command, path: path) }
            let names = command.subcommands.map(\.name).joined(separator: ", ")
            throw UsageError("say what to do: \(names)", path: path)
        }
        try placeArguments()
        for flag in command.flags where flag.isRequired && values.flags[flag.name] == nil {
            throw UsageError("--\(flag.name) \(flag.placeholder ?? "") is missing: \(flag.help)", path: path)
        }
        return .run(command, values, path: path)
    }

    private mutating func take(_ word: String) throws {
        guard !command.subcommands.isEmpty else {
            texts.append(word)
            return
        }
        // `slipway help model`, as many are used to.
        if names.count == 1, word == "help" {
            wantsHelp = true
            return
        }
        guard let next = command.subcommands.first(where: { $0.name == word }) else {
            let known = command.subcommands.map(\.name)
            let hint =
                Suggestion.nearest(to: word, among: known).map { "did you mean \($0)?" }
                ?? "there are: \(known.joined(separator: ", "))"
            throw UsageError("\(path) has no command \"\(word)\"; \(hint)", path: path)
        }
        command = next
        names.append(next.name)
    }

    private mutating func takeLong(_ word: Substring) throws {
        let equals = word.firstIndex(of: "=")
        let name = String(word[..<(equals ?? word.endIndex)])
        let attached = equals.map { String(word[word.index(after: $0)...]) }
        if name == "help" {
            wantsHelp = true
            return
        }
        guard let flag = flags.first(where: { $0.name == name }) else {
            let hint =
                Suggestion.nearest(to: name, among: flags.map(\.name) + ["help"]).map { "; did you mean --\($0)?" }
                ?? ""
            throw UsageError("\(path) has no flag --\(name)\(hint)", path: path)
        }
        try set(flag, attached, as: "--\(name)")
    }

    private mutating func takeShort(_ word: String) throws {
        let letter = word.dropFirst().first
        let attached = word.dropFirst(2)
        if word == "-h" {
            wantsHelp = true
            return
        }
        guard let letter, let flag = flags.first(where: { $0.short == letter }) else {
            throw UsageError(
                "\(path) has no flag \(word); an argument that begins with - stands behind --", path: path)
        }
        try set(flag, attached.isEmpty ? nil : String(attached), as: "-\(letter)")
    }

    private mutating func set(_ flag: FlagSpecification, _ attached: String?, as written: String) throws {
        guard let placeholder = flag.placeholder else {
            guard attached == nil else { throw UsageError("\(written) takes no value", path: path) }
            values.flags[flag.name] = [""]
            return
        }
        var value = attached
        if value == nil, let next = rest.first, next == "-" || !next.hasPrefix("-") || Double(next) != nil {
            value = rest.popFirst()
        }
        guard let value else {
            throw UsageError("\(written) needs a value: \(written) \(placeholder)", path: path)
        }
        if let wanted = flag.defect(value) {
            throw UsageError("\(written) \"\(value)\": must be \(wanted)", path: path)
        }
        guard flag.repeats || values.flags[flag.name] == nil else {
            throw UsageError("\(written) is there twice", path: path)
        }
        values.flags[flag.name, default: []].append(value)
    }

    private mutating func placeArguments() throws {
        var texts = texts[...]
        for argument in command.arguments {
            let taken = argument.repeats ? texts : texts.prefix(1)
            texts = texts.dropFirst(taken.count)
            guard !taken.isEmpty || !argument.isRequired else {
                throw UsageError("\(argument.name) is missing: \(argument.help)", path: path)
            }
            for text in taken {
                if let wanted = argument.defect(text) {
                    throw UsageError("\(argument.name) \"\(text)\": must be \(wanted)", path: path)
                }
            }
            if !taken.isEmpty { values.arguments[argument.name] = Array(taken) }
        }
        if let extra = texts.first {
            let takes = command.arguments.isEmpty ? "nothing" : command.arguments.map(\.usage).joined(separator: " ")
            throw UsageError("\"\(extra)\" is too much; \(path) takes \(takes)", path: path)
        }
    }
}
