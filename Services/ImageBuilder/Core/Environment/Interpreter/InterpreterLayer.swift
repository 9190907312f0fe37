internal import Blobs
internal import Glibc
internal import OCI
internal import Tar

/// This machine's Python as a layer: the program, its standard library, and every library that either needs, in one
/// folder that needs nothing around it.
struct InterpreterLayer {
    let interpreter: Interpreter
    /// Of the image; absolute.
    let folder: String

    /// Libraries that wheels may want of the system they run on; the program loads them, so that they are found.
    private static let expected = [
        "libstdc++.so.6", "libgcc_s.so.1", "libm.so.6", "libz.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1",
        "libutil.so.1",
    ]

    /// What is of no use to a model, by its first folder or its name. Much of it is what tests Python itself.
    private static let leftOut: Set<String> = [
        "__pycache__", "test", "tests", "idlelib", "ensurepip", "tkinter", "turtledemo", "pydoc_data", "lib2to3",
        "site-packages", "dist-packages", "sitecustomize.py", "turtle.py", "EXTERNALLY-MANAGED", "LICENSE.txt",
    ]
    private static let leftOutModules = ["_test", "_ctypes_test", "_tkinter", "_xxtestfuzz", "xxlimited"]

    var programPath: String { "\(folder)/bin/python\(interpreter.version.minor)" }
    private var libraryPath: String { "\(folder)/lib/python\(interpreter.version.minor)" }

    /// Files of the standard library by their path in it; links are followed within it. Blocks.
    func modules() -> [(path: String, file: String)] {
        var found: [(String, String)] = []
        var waiting = [""]
        while let next = waiting.popLast() {
            for (name, kind) in ScratchFolder.entries(of: "\(interpreter.library)/\(next)") where !isLeftOut(name, next)
            {
                let path = next.isEmpty ? name : "\(next)/\(name)"
                let file = "\(interpreter.library)/\(path)"
                switch kind {
                case S_IFDIR: waiting.append(path)
                case S_IFREG: found.append((path, file))
                case S_IFLNK:
                    guard let real = MachinePath.real(file), real.hasPrefix(interpreter.library + "/"),
                        MachinePath.isFile(real)
                    else { continue }
                    found.append((path, real))
                default: continue
                }
            }
        }
        return found.sorted { Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8)) }
    }

    private func isLeftOut(_ name: String, _ folder: String) -> Bool {
        if Self.leftOut.contains(name) || name.hasSuffix(".pyc") || name.hasSuffix(".a") { return true }
        if folder.isEmpty, name.hasPrefix("config-") { return true }
        return folder == "lib-dynload" && Self.leftOutModules.contains { name.hasPrefix($0) }
    }

    /// Blocks while it reads.
    /// - Parameter compiled: by module's path, the file that its compiled form is in.
    /// - Throws: `BuildFailure`, `OCIError`.
    func contents(_ modules: [(path: String, file: String)], compiled: [String: String]) throws -> LayerContents {
        var contents = LayerContents()
        for (path, file) in modules {
            try add(file, at: "\(libraryPath)/\(path)", mode: 0o644, to: &contents)
            if let compiled = compiled[path] {
                let place = Bytecode.place(of: path, tag: interpreter.tag)
                try add(compiled, at: "\(libraryPath)/\(place)", mode: 0o644, to: &contents)
            }
        }
        let extensions = modules.filter { $0.path.hasSuffix(".so") }.map(\.file)
        try addLibraries(extensions, to: &contents)
        for link in ["python3", "python"] {
            try contents.add(
                TarEntry(
                    path: Self.member("\(folder)/bin/\(link)"),
                    kind: .symbolicLink(to: "python\(interpreter.version.minor)"), mode: 0o777))
        }
        return contents
    }

    private func addLibraries(_ extensions: [String], to contents: inout LayerContents) throws {
        do {
            let folders = LibraryFolders.ofThisMachine()
            let expected = Self.expected.compactMap { name in
                folders.lazy.map { "\($0)/\(name)" }.first { MachinePath.isFile($0) }
            }
            let closure = try ElfClosure.ofThisMachine([interpreter.program] + extensions + expected)
            let program = try SmallFile.read(interpreter.program, upTo: 1 << 28)
            let own = try ElfFile(program)
            for member in closure.members where member.path != interpreter.program && !extensions.contains(member.path)
            {
                let name = member.path == own.interpreter ? "ld.so" : MachinePath.name(member.path)
                try add(member.file, at: "\(folder)/lib/\(name)", mode: 0o755, to: &contents)
            }
            // Programs are asked for the loader by its own name too.
            if let loader = own.interpreter {
                try contents.add(
                    TarEntry(
                        path: Self.member("\(folder)/lib/\(MachinePath.name(loader))"),
                        kind: .symbolicLink(to: "ld.so"),
                        mode: 0o777))
            }
            let changed = try OwnFolderElf(
                loader: "\(folder)/lib/ld.so", folders: ["\(folder)/lib"],
                libraries: expected.map { MachinePath.name($0) }
            ).rewritten(program)
            try contents.add(
                TarEntry(path: Self.member(programPath), mode: 0o755, size: Int64(changed.count)), from: .bytes(changed)
            )
        } catch let error as ElfError {
            throw BuildFailure("builder.python", "\(interpreter.program) \(error)")
        } catch let error as ElfClosureError {
            throw BuildFailure("builder.python", "the libraries of this machine's Python: \(error)")
        }
    }

    private func add(_ file: String, at path: String, mode: UInt16, to contents: inout LayerContents) throws {
        guard let size = MachinePath.size(file) else {
            throw BuildFailure("builder.python", "\(file) is not there any more")
        }
        try contents.add(TarEntry(path: Self.member(path), mode: mode, size: size), from: .file(file))
    }

    /// As archives have it.
    static func member(_ path: String) -> String { String(path.drop { $0 == "/" }) }
}

/// The little that is asked of paths of this machine.
enum MachinePath {
    static func real(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    static func isFile(_ path: String) -> Bool { size(path) != nil }

    /// Of an ordinary file; links are followed.
    static func size(_ path: String) -> Int64? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(status.st_size)
    }
}
