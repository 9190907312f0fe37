import CommandLineKit
import Contracts
import Glibc
import HTTP
import Loop
import Protobuf
import RPC

/// What a command works with: the terminal, what was said to every command, and the way to the server.
struct Session: Sendable {
    enum Form: String { case table, json, yaml }

    let terminal: Terminal
    let environment: [String: String]
    let form: Form
    let isQuiet: Bool
    private let values: Values

    init(_ values: Values, terminal: Terminal, environment: [String: String]) throws {
        self.values = values
        self.terminal = terminal
        self.environment = environment
        let form = values[GlobalFlags.output].flatMap(Form.init)
        guard form == nil || form == .json || !values[GlobalFlags.json] else {
            throw UsageError("--json and --output \(form?.rawValue ?? ""): one of them")
        }
        self.form = values[GlobalFlags.json] ? .json : form ?? .table
        isQuiet = values[GlobalFlags.quiet]
    }

    var configurationPath: String { ContextFile.path(in: environment) }

    /// What the flags, the environment and the configuration say together.
    func target() throws -> Target {
        try Target.resolve(values, environment, try ContextFile.read(configurationPath))
    }

    func connect() throws -> Connection { try Connection(try target()) }

    /// The flags that told this command where things are and as whom, for a command that somebody is to type next.
    var flagsForNext: String {
        let texts: [(flag: Flag<String?>, name: String)] =
            [
                (GlobalFlags.context, "context"), (GlobalFlags.server, "server"),
                (GlobalFlags.tokenFile, "token-file"), (GlobalFlags.authorities, "ca-file"),
            ] + GlobalFlags.services.map { ($0.flag, $0.service.flag) } + [(GlobalFlags.workspace, "workspace")]
        return texts.compactMap { entry in
            values[entry.flag].map { " --\(entry.name) \(ShellText.quoted($0))" }
        }.joined()
    }

    // MARK: saying

    /// Writes a result: as a table, or the message as a document.
    func show(_ message: some Message, _ table: () -> String) throws {
        switch form {
        case .table: terminal.write(table())
        case .json: terminal.write(try Document(message).json)
        case .yaml: terminal.write(try Document(message).yaml)
        }
    }

    /// Writes one of many results as they come: a line, or the message as a document of its own.
    func stream(_ message: some Message, _ line: () -> String) throws {
        switch form {
        case .table: terminal.write(line() + "\n")
        case .json: terminal.write(try message.jsonString(options: JSONEncodingOptions(sortsKeys: true)) + "\n")
        case .yaml: terminal.write("---\n" + (try Document(message).yaml))
        }
    }

    /// As `show`, for what is no message.
    func show(_ document: Document, _ table: () -> String) {
        switch form {
        case .table: terminal.write(table())
        case .json: terminal.write(document.json)
        case .yaml: terminal.write(document.yaml)
        }
    }

    /// Writes a table; a note in its place where it is empty.
    func text(_ table: Table, whenEmpty note: String) -> String {
        if table.isEmpty {
            self.note(note)
            return ""
        }
        return table.text(width: terminal.width(of: .output)) { terminal.bold($0) }
    }

    func text(_ facts: Facts) -> String { facts.text { terminal.bold($0) } }

    /// Tells a person something that is no result.
    func note(_ text: String) {
        guard !isQuiet else { return }
        terminal.write(DisplayText.harmless(text) + "\n", to: .error)
    }

    /// Says that something is done, where a person reads.
    func done(_ text: String) {
        if form == .table { note(text) }
    }

    /// Asks before something that can't be taken back.
    /// - Throws: `Failure` where the answer is no, or nobody can be asked.
    func confirm(_ question: String, isSure: Bool) throws {
        if isSure { return }
        guard terminal.inputIsTerminal, terminal.errorIsTerminal else {
            throw Failure(.usage, "\(question) Nobody can be asked here: say --yes.")
        }
        terminal.write("\(DisplayText.harmless(question)) [y/N] ", to: .error)
        let answer = readLine(strippingNewline: true)?.lowercased()
        guard answer == "y" || answer == "yes" else { throw Failure(.failed, "nothing was done") }
    }

    // MARK: time

    /// Seconds since 1970.
    var now: Int64 { Int64(time(nil)) }

    /// A time as a table shows it; empty where there is none.
    func relative(_ time: Google.Protobuf.Timestamp?) -> String {
        time.map { Amounts.relative($0.seconds, now: now) } ?? ""
    }

    /// A time as details show it.
    func exact(_ time: Google.Protobuf.Timestamp?) -> String {
        guard let time, let text = try? time.jsonString() else { return "" }
        return "\(text.filter { $0 != "\"" }) (\(relative(time)))"
    }

    /// A time of day as a line of a log begins with: `2026-03-01 12:00:00`, in UTC.
    func stamp(_ time: Google.Protobuf.Timestamp?) -> String {
        guard let time, let text = try? Google.Protobuf.Timestamp(seconds: time.seconds, nanos: 0).jsonString() else {
            return ""
        }
        return text.filter { $0 != "\"" && $0 != "Z" }.replacing("T", with: " ")
    }

    func timestamp(_ moment: MomentText?, flag: String) throws -> Google.Protobuf.Timestamp? {
        switch moment {
        case nil: return nil
        case .ago(let seconds): return Google.Protobuf.Timestamp(seconds: now - seconds, nanos: 0)
        case .absolute(let text):
            guard let time = Google.Protobuf.Timestamp(rfc3339: text) else {
                throw UsageError("--\(flag) \"\(text)\": there is no such day or time; \(MomentText.wanted)")
            }
            return time
        }
    }
}
