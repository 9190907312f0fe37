internal import Loop

/// Compiles modules, so that an image's Python need not do so at each start: nothing in an image can be written to.
///
/// The files say that they are not to be compared with the source, and of the same sources they are the same bytes: one
/// process compiles them in order, with the same seed.
struct Bytecode {
    let interpreter: Interpreter
    let pool: ComputePool

    struct Module: Sendable {
        /// The source on this machine.
        var file: String
        /// Its path in the image, which is what tracebacks say.
        var shown: String
        /// Where the compiled form goes.
        var output: String
    }

    /// Where Python looks for the compiled form of a module, next to it.
    static func place(of path: String, tag: String) -> String {
        let name = MachinePath.name(path)
        return "\(path.dropLast(name.count))__pycache__/\(name.dropLast(3)).\(tag).pyc"
    }

    /// Whether a module is worth it: tests that came along are not.
    static func isWorthwhile(_ path: String) -> Bool {
        path.hasSuffix(".py") && !path.split(separator: "/").dropLast().contains { $0 == "tests" || $0 == "test" }
    }

    private static let program = """
        import sys, os, importlib.util, importlib._bootstrap_external as external
        for line in sys.stdin.buffer.read().decode("utf-8").split("\\n"):
            if not line:
                continue
            file, shown, output = line.split("\\t")
            with open(file, "rb") as source:
                text = source.read()
            try:
                code = compile(text, shown, "exec", dont_inherit=True, optimize=0)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            data = external._code_to_hash_pyc(code, importlib.util.source_hash(text), False)
            with open(output, "wb") as target:
                target.write(data)
        """

    /// Modules that are no Python of this version are passed over, as pip does.
    /// - Throws: `BuildFailure`.
    func compile(_ modules: [Module], in scratch: ScratchFolder) async throws {
        guard !modules.isEmpty else { return }
        let list = "\(scratch.path)/modules"
        let text = modules.map { "\($0.file)\t\($0.shown)\t\($0.output)\n" }.joined()
        try await pool.run { try ScratchFolder.write(text.utf8, to: list) }
        let process = Subprocess(
            program: interpreter.program,
            arguments: ["-S", "-s", "-P", "-B", "-W", "ignore", "-X", "utf8", "-c", Self.program],
            environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"], folder: scratch.path,
            input: list, limit: .seconds(900))
        let last = Lock("")
        let ending = try await process.run(on: pool) { line in last.withLock { $0 = line } }
        guard ending == .exited(0) else {
            throw BuildFailure(
                "packages.compile", "the modules can't be compiled: \(ending): \(last.withLock { $0 })")
        }
    }
}
