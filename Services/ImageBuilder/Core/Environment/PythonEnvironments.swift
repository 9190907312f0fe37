public import Blobs
internal import Glibc
public import Loop
internal import OCI
internal import Tar

/// Environments of Python: resolved by this machine's pip, laid out by us. Used by any number of builds at once.
public struct PythonEnvironments: EnvironmentBuilding {
    private let settings: PythonSettings
    private let store: any BlobStore
    private let memory: any LockMemory
    private let pool: ComputePool
    /// Or why there is none.
    private let interpreter: Result<Interpreter, BuildFailure>

    /// Of how environments are laid out: counts up with every change of that.
    private static let revision = 1

    /// Asks this machine's Python what it is. Where there is none, images that need none can be built all the same.
    ///
    /// - Parameters:
    ///   - memory: keeps locks for the next time.
    ///   - pool: threads that wait for as long as an index takes; it should serve nobody else.
    /// - Throws: `CancellationError`.
    public static func open(
        _ settings: PythonSettings, store: any BlobStore, memory: any LockMemory, pool: ComputePool
    ) async throws -> PythonEnvironments {
        let found: Result<Interpreter, BuildFailure>
        do { found = .success(try await Interpreter.probe(settings, on: pool)) } catch let error as BuildFailure {
            found = .failure(error)
        }
        return PythonEnvironments(settings: settings, store: store, memory: memory, pool: pool, interpreter: found)
    }

    public func check(_ request: EnvironmentRequest) throws { _ = try plan(request) }

    public func resolve(
        _ request: EnvironmentRequest, fresh: Bool, progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> (lock: EnvironmentLock, pins: [BlobPin]) {
        let plan = try plan(request)
        let interpreter = try interpreter.get()
        let platform = WheelPlatform(usesBase: plan.usesBase, own: interpreter.systemLibrary)
        for note in plan.notes { await progress(BuildProgress(step: "packages", message: note)) }
        var key = try plan.key(platform)
        if !plan.usesBase { key += " \(interpreter.digest)" }
        key = try BlobHasher.digest("\(key) \(Self.revision)".utf8).description
        let resolver = PackageResolver(settings: settings, interpreter: interpreter, store: store, pool: pool)
        if !fresh, let known = try await memory.find(key) {
            if let pins = try await pins(known) { return (known, pins) }
            // Its files are gone from the store; the index may still have them.
            do {
                let fetched = try await resolver.fetch(known, plan, platform, progress: progress)
                return (known, fetched.map(\.pin))
            } catch is BuildFailure {
                await progress(
                    BuildProgress(step: "packages", message: "what was resolved before can't be had any more"))
            }
        }
        let fetched = try await resolver.resolve(plan, platform, progress: progress)
        let lock = EnvironmentLock(
            key: try Self.key(key, fetched.map(\.package)), python: plan.python.description, usesBase: plan.usesBase,
            packages: fetched.map(\.package))
        let kept = fresh ? lock : try await memory.keep(key, lock)
        guard kept != lock, let pins = try await pins(kept) else { return (lock, fetched.map(\.pin)) }
        return (kept, pins)
    }

    public func python(_ lock: EnvironmentLock, at folder: String) async throws -> EnvironmentContents {
        guard !lock.usesBase else {
            return EnvironmentContents(layer: LayerContents(), description: "the base image's Python \(lock.python)")
        }
        let interpreter = try interpreter.get()
        guard interpreter.version.description == lock.python else {
            throw BuildFailure(
                "builder.python", "the image wants Python \(lock.python), and this builder has \(interpreter.version)")
        }
        let (settings, pool) = (settings, pool)
        let layer = InterpreterLayer(interpreter: interpreter, folder: folder)
        let scratch = try await pool.run { try ScratchFolder(in: settings.folder) }
        return try await releasing(scratch) { try await contents(layer, interpreter, scratch, lock) }
    }

    private func contents(
        _ layer: InterpreterLayer, _ interpreter: Interpreter, _ scratch: ScratchFolder, _ lock: EnvironmentLock
    ) async throws -> EnvironmentContents {
        let folder = layer.folder
        let modules = try await pool.run { layer.modules() }
        var compiled: [String: String] = [:]
        let work = modules.filter { Bytecode.isWorthwhile($0.path) }.enumerated().map { index, module in
            let output = "\(scratch.path)/\(index).pyc"
            compiled[module.path] = output
            return Bytecode.Module(
                file: module.file, shown: "\(folder)/lib/python\(interpreter.version.minor)/\(module.path)",
                output: output)
        }
        try await Bytecode(interpreter: interpreter, pool: pool).compile(work, in: scratch)
        let all = compiled
        let contents = try await pool.run {
            try layer.contents(modules, compiled: all.filter { MachinePath.isFile($0.value) })
        }
        return EnvironmentContents(layer: contents, description: "Python \(lock.python)") { scratch.release() }
    }

    public func packages(
        _ lock: EnvironmentLock, at folder: String, progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> EnvironmentContents {
        let description = lock.packages.count == 1 ? "1 package" : "\(lock.packages.count) packages"
        guard let python = PythonVersion(lock.python) else {
            throw BuildFailure("packages.python", "\(lock.python.shown) is no version of Python")
        }
        let (settings, pool) = (settings, pool)
        let scratch = try await pool.run { try ScratchFolder(in: settings.folder) }
        return try await releasing(scratch) {
            try await contents(lock, python, folder, scratch, description, progress)
        }
    }

    /// What fails leaves nothing: it is not there any more when the failure is told.
    private func releasing(
        _ scratch: ScratchFolder, _ body: () async throws -> EnvironmentContents
    ) async throws -> EnvironmentContents {
        do { return try await body() } catch {
            try? await pool.run { scratch.release() }
            throw error
        }
    }

    private func contents(
        _ lock: EnvironmentLock, _ python: PythonVersion, _ folder: String, _ scratch: ScratchFolder,
        _ description: String, _ progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> EnvironmentContents {
        let pool = pool
        let target = "\(scratch.path)/tree"
        try await pool.run { try ScratchFolder.make(target) }
        var installer = WheelInstaller(target: target, python: python)
        for (index, package) in lock.packages.enumerated() {
            try Task.checkCancellation()
            await progress(
                BuildProgress(
                    step: "packages", message: "unpacking \(package.name) \(package.version)",
                    fraction: Double(index) / Double(lock.packages.count)))
            let wheel = "\(scratch.path)/wheel"
            try await copy(package, to: wheel)
            let before = installer
            installer = try await pool.run {
                var installer = before
                try installer.install(package, from: wheel)
                unlink(wheel)
                return installer
            }
        }
        let files = try await pool.run { ScratchFolder.files(below: target) }
        try await compile(files, target, folder, python, scratch)
        let executables = installer.executables
        let layer = try await pool.run { try Self.layer(target, folder, executables) }
        return EnvironmentContents(layer: layer, description: description) { scratch.release() }
    }

    public func variables(
        _ lock: EnvironmentLock, pythonAt: String, packagesAt: String
    ) async throws -> [String: String] {
        // The folder of a user's own packages: looked at behind the standard library, and with all that packages may do
        // there to be found, which `PYTHONPATH` is not.
        var variables = lock.packages.isEmpty ? [:] : ["PYTHONUSERBASE": packagesAt]
        if !lock.usesBase { variables["SLIPWAY_PYTHON"] = "\(pythonAt)/bin/python3" }
        return variables
    }

    // MARK: Pieces

    private func plan(_ request: EnvironmentRequest) throws(BuildFailure) -> EnvironmentPlan {
        try EnvironmentPlan(request, own: interpreter.get().version)
    }

    /// Names what is installed, to the byte.
    private static func key(_ request: String, _ packages: [LockedPackage]) throws -> String {
        var text = request
        for package in packages { text += "\n\(package.file) \(package.digest) \(package.isAskedFor)" }
        return try BlobHasher.digest(text.utf8).description
    }

    /// Nil where some of the files are gone.
    private func pins(_ lock: EnvironmentLock) async throws -> [BlobPin]? {
        var pins: [BlobPin] = []
        for package in lock.packages {
            do { pins.append(try await store.pin(package.digest)) } catch let error as BlobError
                where error.code == .notFound
            {
                return nil
            }
        }
        return pins
    }

    private func copy(_ package: LockedPackage, to path: String) async throws {
        let pool = pool
        try await pool.run { try ScratchFolder.write([], to: path) }
        try await store.withBlob(package.digest) { reader in
            for try await piece in reader.verifiedChunks() {
                try await pool.run { try ScratchFolder.append(piece, to: path) }
            }
        }
    }

    /// Only where this machine's Python compiles as the image's reads it.
    private func compile(
        _ files: [String], _ target: String, _ folder: String, _ python: PythonVersion, _ scratch: ScratchFolder
    ) async throws {
        guard let interpreter = try? interpreter.get(), interpreter.version.minor == python.minor else { return }
        let modules = WheelInstaller.modules(python) + "/"
        let sources = files.filter { $0.hasPrefix(modules) && Bytecode.isWorthwhile($0) }
        let work = sources.map { path in
            Bytecode.Module(
                file: "\(target)/\(path)", shown: "\(folder)/\(path)",
                output: "\(target)/\(Bytecode.place(of: path, tag: interpreter.tag))")
        }
        try await pool.run {
            for place in Set(work.map { String($0.output.dropLast(MachinePath.name($0.output).count + 1)) }) {
                try ScratchFolder.make(place)
            }
        }
        try await Bytecode(interpreter: interpreter, pool: pool).compile(work, in: scratch)
    }

    private static func layer(
        _ target: String, _ folder: String, _ executables: Set<String>
    ) throws -> LayerContents {
        var layer = LayerContents()
        for path in ScratchFolder.files(below: target) {
            let file = "\(target)/\(path)"
            guard let size = MachinePath.size(file) else { throw ScratchFolder.failure(file, "is gone") }
            let mode: UInt16 = executables.contains(path) ? 0o755 : 0o644
            try layer.add(
                TarEntry(path: InterpreterLayer.member("\(folder)/\(path)"), mode: mode, size: size), from: .file(file))
        }
        return layer
    }
}
