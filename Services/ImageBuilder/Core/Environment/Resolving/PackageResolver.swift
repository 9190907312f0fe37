internal import Blobs
internal import Glibc
internal import Loop
internal import OCI

/// Has pip decide for versions and fetch their wheels, and takes them into the store. Nothing of a package is run: other
/// than wheels nothing is taken, by whatever way it may come.
struct PackageResolver: Sendable {
    let settings: PythonSettings
    let interpreter: Interpreter
    let store: any BlobStore
    let pool: ComputePool

    /// Runs pip with the conditions of requirements judged for the target's Python, which pip does only for tags, and
    /// without what would run a package's code or another program: sources that a package names by address.
    ///
    /// What pip is to do stands in a file: an index may have a password in its address, and arguments are for the whole
    /// machine to read.
    private static let program = """
        import sys
        target = sys.argv[1]
        full = target if target.count(".") > 1 else target + ".0"
        try:
            from pip._internal.distributions import sdist
            from pip._internal.exceptions import InstallationError
            from pip._internal.operations import prepare
            from pip._vendor.packaging import markers
            original = markers.default_environment
            sdist.SourceDistribution.prepare_distribution_metadata, prepare.unpack_vcs_link
        except (ImportError, AttributeError) as error:
            sys.exit("ERROR: the pip of this machine is none that the builder knows: %s" % error)
        def environment():
            found = original()
            found["python_full_version"] = full
            found["implementation_version"] = full
            found["python_version"] = ".".join(full.split(".")[:2])
            return found
        def refuse(*arguments, **named):
            raise InstallationError("a package wants another by an address, or as sources, and only wheels are taken")
        markers.default_environment = environment
        sdist.SourceDistribution.prepare_distribution_metadata = refuse
        prepare.unpack_vcs_link = refuse
        from pip._internal.cli.main import main
        with open(sys.argv[2], encoding="utf-8") as words:
            sys.exit(main(words.read().split("\\0")))
        """

    /// A package with its wheel in the store.
    typealias Fetched = (package: LockedPackage, pin: BlobPin)

    /// Everything that the requirements need, by name.
    /// - Throws: `BuildFailure`, `CancellationError`, and what the store throws.
    func resolve(
        _ plan: EnvironmentPlan, _ platform: WheelPlatform,
        progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> [Fetched] {
        guard !plan.requirements.isEmpty else { return [] }
        let lines = plan.requirements.map(\.text) + (plan.takesPreReleases ? ["--pre"] : [])
        return try await fetch(lines, [], plan, platform, progress: progress)
    }

    /// The very packages of a lock, by the digests that it says.
    func fetch(
        _ lock: EnvironmentLock, _ plan: EnvironmentPlan, _ platform: WheelPlatform,
        progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> [Fetched] {
        let lines = lock.packages.map { "\($0.name)==\($0.version) --hash=\($0.digest)" }
        return try await fetch(lines, ["--no-deps"], plan, platform, progress: progress)
    }

    private func fetch(
        _ lines: [String], _ options: [String], _ plan: EnvironmentPlan, _ platform: WheelPlatform,
        progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> [Fetched] {
        let text = lines.joined(separator: "\n") + "\n"
        let scratch = try await pool.run {
            let scratch = try ScratchFolder(in: settings.folder)
            try ScratchFolder.make("\(scratch.path)/wheels")
            try ScratchFolder.write(text.utf8, to: "\(scratch.path)/requirements.txt")
            let words = arguments(scratch, plan, platform) + options
            try ScratchFolder.write(words.joined(separator: "\0").utf8, to: "\(scratch.path)/arguments")
            try PipCache(folder: settings.folder).makeRoom(settings.cacheBytes)
            return scratch
        }
        // Not when the last of those that read in it on other threads has let go: it is gone when this ends, however it does.
        defer { scratch.release() }
        let said = Lock<[String]>([])
        let process = Subprocess(
            program: interpreter.program,
            arguments: ["-I", "-c", Self.program, plan.python.description, "\(scratch.path)/arguments"],
            environment: environment(scratch), folder: scratch.path, limit: settings.limit)
        let ending = try await process.run(on: pool) { words in
            let line = PipWords.naming(lines, of: "\(scratch.path)/requirements.txt", in: words)
            let isNew = said.withLock { said in
                // Of what repeats itself without end, the end is what matters.
                if said.count >= 4000 { said.removeFirst(2000) }
                said.append(line)
                return said.count < 3000
            }
            if isNew { await progress(BuildProgress(step: "packages", message: PipWords.withoutSecrets(line))) }
        }
        guard ending == .exited(0) else {
            throw await failure(ending, said.withLock { $0 }, scratch, plan)
        }
        return try await take(scratch, plan)
    }

    private func failure(
        _ ending: Subprocess.Ending, _ said: [String], _ scratch: ScratchFolder, _ plan: EnvironmentPlan
    ) async -> BuildFailure {
        switch ending {
        case .ranOut:
            let words = PipWords.short(said.last ?? "", 200)
            return BuildFailure(
                "dependencies.index",
                "resolving the packages took longer than \(settings.limit.components.seconds) s; last it said: \(words)"
            )
        case .killed(let signal):
            return BuildFailure("dependencies.resolver", "the resolver was ended by signal \(signal)")
        case .exited:
            let log = try? await pool.run { try SmallFile.read("\(scratch.path)/log", upTo: 64 << 20) }
            let text = String(decoding: log ?? [], as: UTF8.self)
            let skipped = text.split(separator: "\n").filter { $0.contains("No sources permitted for ") }
            return PipWords(said, log: skipped).failure(plan, index: settings.index)
        }
    }

    private func arguments(_ scratch: ScratchFolder, _ plan: EnvironmentPlan, _ platform: WheelPlatform) -> [String] {
        var arguments = [
            "download", "--isolated", "--disable-pip-version-check", "--no-python-version-warning", "--no-input",
            "--no-color", "--progress-bar", "off", "--only-binary", ":all:", "--retries", "2",
            "--timeout", "\(max(1, settings.silence.components.seconds))", "--log", "\(scratch.path)/log",
            "--cache-dir", PipCache(folder: settings.folder).path, "--dest", "\(scratch.path)/wheels",
            "--implementation", "cp", "--python-version", plan.python.description,
            "--requirement", "\(scratch.path)/requirements.txt",
        ]
        for tag in platform.tags { arguments += ["--platform", tag] }
        arguments += settings.index.isEmpty ? ["--no-index"] : ["--index-url", settings.index]
        if !settings.index.isEmpty {
            for index in plan.gpu ? settings.gpuIndexes : settings.extraIndexes {
                arguments += ["--extra-index-url", index]
            }
        }
        for link in settings.links { arguments += ["--find-links", link] }
        for host in settings.trustedHosts { arguments += ["--trusted-host", host] }
        if !settings.proxy.isEmpty { arguments += ["--proxy", settings.proxy] }
        if !settings.certificates.isEmpty { arguments += ["--cert", settings.certificates] }
        return arguments
    }

    /// Nothing of this process's: what pip takes from an environment would decide too.
    private func environment(_ scratch: ScratchFolder) -> [String: String] {
        [
            "PATH": "/usr/bin:/bin", "HOME": scratch.path, "TMPDIR": scratch.path, "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "PIP_CONFIG_FILE": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
        ]
    }

    // MARK: Into the store

    private func take(_ scratch: ScratchFolder, _ plan: EnvironmentPlan) async throws -> [Fetched] {
        let files = try await pool.run { ScratchFolder.files(below: "\(scratch.path)/wheels") }
        var found: [Fetched] = []
        for file in files {
            try Task.checkCancellation()
            guard let name = WheelName(file) else {
                throw BuildFailure(
                    "dependencies.sources", "\(file.shown) is no wheel, and nothing of a package is built here")
            }
            let pin = try await keep("\(scratch.path)/wheels/\(file)")
            found.append(
                (
                    LockedPackage(
                        name: name.package, version: name.version, file: file, digest: pin.info.digest,
                        size: pin.info.size, isAskedFor: plan.askedFor.contains(name.package)), pin
                ))
        }
        return found.sorted { $0.package.name < $1.package.name }
    }

    /// What the store has already is not written again.
    private func keep(_ path: String) async throws -> BlobPin {
        let digest = try await pool.run {
            let file = try WheelFile(path)
            let hasher = try BlobHasher()
            var position = 0
            while position < file.size {
                let piece = try file.read(position..<min(position + 1 << 20, file.size))
                piece.withUnsafeBytes { hasher.update($0) }
                position += piece.count
            }
            return try hasher.finish()
        }
        do { return try await store.pin(digest) } catch let error as BlobError where error.code == .notFound {
            let file = try await MachineFiles(pool: pool).open(path)
            defer { file.close() }
            return try await store.put(FilePieces(file: file), expecting: digest)
        }
    }
}

/// What pip keeps of what the index said and sent.
private struct PipCache {
    let folder: String
    var path: String { "\(folder)/pip" }

    /// Forgets everything when there is too much: what is needed comes again.
    func makeRoom(_ limit: Int64) throws(BuildFailure) {
        try ScratchFolder.make(path)
        let size = ScratchFolder.files(below: path).reduce(Int64(0)) { $0 + (MachinePath.size("\(path)/\($1)") ?? 0) }
        if size > limit { for (name, _) in ScratchFolder.entries(of: path) { ScratchFolder.remove("\(path)/\(name)") } }
    }
}

/// A file of this machine in pieces.
private struct FilePieces: AsyncSequence, AsyncIteratorProtocol {
    let file: any LayerFile
    private var position: Int64 = 0

    init(file: any LayerFile) { self.file = file }

    func makeAsyncIterator() -> FilePieces { self }

    mutating func next() async throws -> ArraySlice<UInt8>? {
        let piece = try await file.read(at: position, atMost: 1 << 20)
        position += Int64(piece.count)
        return piece.isEmpty ? nil : piece[...]
    }
}
