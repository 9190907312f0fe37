public import Loop

/// Looks at entry scripts with this machine's Python, which parses them and runs nothing of them, in a process that can
/// neither last nor grow.
public struct EntryScriptChecker: EntryScriptChecking {
    private let settings: PythonSettings
    private let pool: ComputePool

    private static let bytesMax = 4 << 20

    /// - Parameter pool: threads that wait while a script is parsed.
    public init(_ settings: PythonSettings, pool: ComputePool) {
        self.settings = settings
        self.pool = pool
    }

    public func check(path: String, text: String) async throws -> EntryScriptFacts {
        guard text.utf8.count <= Self.bytesMax else {
            throw BuildFailure("entry.size", "\(path) has more than \(Self.bytesMax) bytes")
        }
        let (settings, bytes) = (settings, Array(text.utf8))
        let scratch = try await pool.run {
            let scratch = try ScratchFolder(in: settings.folder)
            try ScratchFolder.write(bytes, to: "\(scratch.path)/script")
            return scratch
        }
        let process = Subprocess(
            program: settings.interpreter, arguments: ["-I", "-S", "-B", "-W", "ignore", "-c", Self.program],
            environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"], folder: scratch.path,
            input: "\(scratch.path)/script", limit: .seconds(60))
        let collected = Lock<[Fact]>([])
        let ending = try await process.run(on: pool) { line in
            if let fact = Fact(line) { collected.withLock { $0.append(fact) } }
        }
        let facts = collected.withLock { $0 }
        if facts.contains(where: { $0.kind == "deep" }) { throw Self.tooMuch(path) }
        if let fact = facts.first(where: { $0.kind == "syntax" }) {
            let shown = fact.text(3).isEmpty ? "" : ": \(fact.text(3))"
            let place = fact.number(0) > 0 ? ", line \(fact.number(0)), column \(fact.number(1))" : ""
            throw BuildFailure("entry.syntax", "\(path)\(place): \(fact.text(2))\(shown)")
        }
        guard ending == .exited(0), facts.last?.kind == "end" else { throw Self.tooMuch(path) }
        return try Self.judge(facts, path)
    }

    private static func tooMuch(_ path: String) -> BuildFailure {
        BuildFailure(
            "entry.syntax", "\(path) can't be parsed: it is nested so deeply, or so large, that Python gives up on it")
    }

    private static func judge(_ facts: [Fact], _ path: String) throws(BuildFailure) -> EntryScriptFacts {
        func definition(_ name: String) -> Fact? { facts.first { $0.kind == name } }
        let example = "`def run(data):`"
        if let run = definition("run"), definition("driver_module")?.text(0) == "none" {
            let place = "\(path), line \(run.number(1)), column \(run.number(2))"
            switch run.text(0) {
            case "none":
                throw BuildFailure(
                    "entry.run", "\(path) defines no run(); it is called with each request's data: \(example)")
            case "other":
                throw BuildFailure("entry.run", "\(place): run is \(run.text(3)), and no function: \(example)")
            case "function":
                // Decorators may give it other arguments than it is written with.
                let (isDecorated, names) = (run.text(4) == "True", run.words.dropFirst(6))
                if !isDecorated { try judge(names: Array(names), hasOthers: run.text(5) == "True", place, example) }
            default: break
            }
        }
        let initial = definition("init")
        if let initial, initial.text(0) == "function", initial.number(3) > 0, initial.text(4) == "False" {
            throw BuildFailure(
                "entry.init",
                "\(path), line \(initial.number(1)), column \(initial.number(2)): init() is called without arguments, and "
                    + "takes \(initial.number(3))")
        }
        let hasInit = initial.map { $0.text(0) != "none" && $0.number(1) > 0 } ?? false
        return EntryScriptFacts(hasInit: hasInit, imports: facts.filter { $0.kind == "import" }.map { $0.text(0) })
    }

    private static func judge(
        names: [String], hasOthers: Bool, _ place: String, _ example: String
    ) throws(BuildFailure) {
        if hasOthers {
            throw BuildFailure(
                "entry.run", "\(place): the arguments of run() must have names that it can be called by: \(example)")
        }
        guard names.contains(where: { $0 != "request_headers" }) else {
            throw BuildFailure("entry.run", "\(place): run() takes no argument for the request's data: \(example)")
        }
    }
}

/// A line of what the program found.
private struct Fact {
    let kind: String
    let words: [String]

    /// Nil for a line of anything else.
    init?(_ line: String) {
        var words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard words.count >= 2, words.removeFirst() == "fact" else { return nil }
        kind = words.removeFirst()
        self.words = words
    }

    func text(_ index: Int) -> String { words.indices.contains(index) ? words[index] : "" }
    func number(_ index: Int) -> Int { Int(text(index)) ?? 0 }
}
