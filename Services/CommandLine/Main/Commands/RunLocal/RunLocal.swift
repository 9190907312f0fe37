import CommandLineKit
import Contracts
import Glibc

enum RunLocal {
    static let what = Argument(
        "SOURCE", "a folder with an entry script, or a model's file or folder", completion: .files)
    static let entry = Flag.text("entry", "FILE", "the entry script, by its path in the folder (score.py)")
    static let modelFolder = Flag.text(
        "model-dir", "FOLDER", "what AZUREML_MODEL_DIR says: the model's files, where they lie elsewhere",
        completion: .folders)
    static let name = Flag.text("name", "NAME", "what the model is called (the folder's or the file's name)")
    static let listen = Flag.text("listen", "ADDRESS", "where requests are taken (127.0.0.1:8080)")
    static let variables = Flag.pairs("env", "a variable of the script")
    static let python = Flag.text("python", "FILE", "the interpreter (python3 of PATH)", completion: .files)
    static let scorer = Flag.text("scorer", "FILE", "the scorer (the one beside this program)", completion: .files)

    static let command = Command<Session>(
        "run-local", "Runs here what an endpoint would run, in the foreground, to see what it does.",
        details: """
            The scorer that images have, with its log on this terminal: whatever a script prints, and the traceback of what \
            it raises. Files that change are loaded again. The script runs with the packages of the interpreter here. \
            Ctrl-C ends it.
            """,
        arguments: [what],
        flags: [
            entry.specification, modelFolder.specification, name.specification, listen.specification,
            variables.specification, python.specification, scorer.specification,
        ],
        examples: [
            .init("slipway run-local ./service --entry score.py", "a script, with its traceback"),
            .init("slipway run-local ./service --model-dir ./model --python .venv/bin/python", "as in an image"),
            .init("slipway run-local ./model.onnx --listen 127.0.0.1:9000", "a model as it is"),
        ]
    ) { values, session in
        guard access(values[what], F_OK) == 0 else {
            throw Failure(.notFound, "\(values[what]): there is no such file or folder")
        }
        let path = try RealPath.of(values[what])
        let program = try ScorerProgram.find(values[scorer])
        var variables: [String: String] = [:]
        if let python = values[python] { variables["SLIPWAY_PYTHON"] = python }
        var arguments = [program, "serve", "--listen=\(values[listen] ?? "127.0.0.1:8080")"]
        arguments.append("--service.log_format=readable")
        guard try LocalFiles.facts(path).st_mode & S_IFMT == S_IFDIR else {
            if values[entry] != nil || values[modelFolder] != nil || !values[RunLocal.variables].isEmpty {
                throw UsageError("--entry, --model-dir and --env are for a folder", path: "slipway run-local")
            }
            if let name = values[name] { arguments.append("--name=\(name)") }
            return try await ForegroundProgram(
                arguments: arguments + [path], variables: variables, terminal: session.terminal
            ).run()
        }
        let folder = path.split(separator: "/").last.map(String.init) ?? "model"
        let shelf = try LocalShelf(
            model: values[name] ?? folder, at: path, configuration: try configuration(values, path))
        defer { shelf.remove() }
        arguments.append("--models=\(shelf.folder)")
        try await ForegroundProgram(arguments: arguments, variables: variables, terminal: session.terminal).run()
    }

    /// How the folder is served; its own `slipway.json` adds to it.
    private static func configuration(_ values: Values, _ path: String) throws -> Document {
        let entry = values[entry] ?? "score.py"
        let hasScript = access("\(path)/\(entry)", F_OK) == 0
        guard hasScript || values[RunLocal.entry] == nil else {
            throw Failure(.notFound, "--entry \(entry): there is no such file in \(path)")
        }
        guard hasScript else { return .object([]) }
        var options: [(key: String, value: Document)] = [("entry", .string(entry))]
        for (name, value) in values[variables].sorted(by: { $0.key < $1.key }) {
            options.append(("env.\(name)", .string(value)))
        }
        if let folder = values[modelFolder] {
            options.append(("env.AZUREML_MODEL_DIR", .string(try RealPath.of(folder))))
        }
        // One worker, so that what it prints stands in order.
        return .object([
            ("adapter", .string("python")), ("instances", .number(1)), ("options", .object(options)),
        ])
    }
}

/// The scorer that belongs to this program.
enum ScorerProgram {
    /// - Throws: `Failure` that says how to get one.
    static func find(_ told: String?) throws -> String {
        if let told {
            guard access(told, X_OK) == 0 else {
                throw Failure(.notFound, "--scorer \(told): there is no such program")
            }
            return told
        }
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink("/proc/self/exe", &bytes, Int(PATH_MAX))
        let own = bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        let beside = String(decoding: own.prefix(through: own.lastIndex(of: UInt8(ascii: "/")) ?? 0), as: UTF8.self)
        if access("\(beside)scorer", X_OK) == 0 { return "\(beside)scorer" }
        for folder in (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        where access("\(folder)/scorer", X_OK) == 0 {
            return "\(folder)/scorer"
        }
        throw Failure(
            .notFound,
            "there is no scorer beside this program nor in PATH; `swift build --product scorer` makes one, --scorer says where it is"
        )
    }
}
