internal import Blobs
internal import Glibc
internal import Loop

/// The Python of this machine: what resolves packages, and what images get that stand on nothing.
struct Interpreter: Hashable, Sendable {
    /// The file itself, not a link to it.
    var program: String
    var version: PythonVersion
    /// The folder of the standard library.
    var library: String
    /// What its compiled files are called: `cpython-311`.
    var tag: String
    /// Its number of compiled files, which says who can read them.
    var magic: String
    /// The minor version of the C library that it runs on.
    var systemLibrary: Int
    /// Of the program: other builds of the same version are others.
    var digest: BlobDigest

    /// - Throws: `BuildFailure` `builder.python` where it can't be run.
    static func probe(_ settings: PythonSettings, on pool: ComputePool) async throws -> Interpreter {
        let program = """
            import sys, sysconfig, os, importlib.util
            facts = [os.path.realpath(sys.executable), "%d.%d.%d" % sys.version_info[:3], sysconfig.get_path("stdlib"),
                     sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex(),
                     os.confstr("CS_GNU_LIBC_VERSION")]
            sys.stdout.write("\\n".join(facts))
            """
        let process = Subprocess(
            program: settings.interpreter, arguments: ["-I", "-S", "-c", program],
            environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"], limit: .seconds(60))
        let collected = Lock<[String]>([])
        let ending = try await process.run(on: pool) { line in collected.withLock { $0.append(line) } }
        let lines = collected.withLock { $0 }
        guard ending == .exited(0), lines.count == 6, let version = PythonVersion(lines[1]),
            let library = lines[5].split(separator: ".").last.flatMap({ Int($0) })
        else {
            throw BuildFailure(
                "builder.python",
                "\(settings.interpreter) is no Python that can be used here: \(lines.last ?? "it ended without a word")"
            )
        }
        let digest = try await pool.run { try BlobHasher.digest(SmallFile.read(lines[0], upTo: 1 << 28)) }
        return Interpreter(
            program: lines[0], version: version, library: lines[2], tag: lines[3], magic: lines[4],
            systemLibrary: library,
            digest: digest)
    }
}
