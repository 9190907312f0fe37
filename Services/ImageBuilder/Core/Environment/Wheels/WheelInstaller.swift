internal import Blobs
internal import Glibc
internal import Tar
internal import Zip

/// Lays wheels out as Python wants them installed, in a folder of this machine. The same wheels give the same files.
struct WheelInstaller {
    /// Of this machine.
    let target: String
    let python: PythonVersion
    private(set) var executables: Set<String> = []
    private var written: Int64 = 0

    private static let entriesMax = 200_000
    private static let bytesMax: Int64 = 32 << 30

    init(target: String, python: PythonVersion) {
        self.target = target
        self.python = python
    }

    /// Of the folder that packages are installed in.
    var modules: String { Self.modules(python) }

    static func modules(_ python: PythonVersion) -> String { "lib/python\(python.minor)/site-packages" }

    /// Blocks.
    /// - Throws: `BuildFailure` `packages.wheel`, naming the wheel and what is wrong with it.
    mutating func install(_ package: LockedPackage, from path: String) throws {
        do { try unpack(package, from: path) } catch let error as ZipError {
            throw Self.failure(package, "\(error)")
        } catch let error as TarError {
            throw Self.failure(package, "\(error)")
        }
    }

    private mutating func unpack(_ package: LockedPackage, from path: String) throws {
        let file = try WheelFile(path)
        let directory = try ZipDirectory(size: file.size, entriesMax: Self.entriesMax) { try file.read($0) }
        guard !directory.isCut else { throw Self.failure(package, "it has more than \(Self.entriesMax) files") }
        let information = try self.information(directory, file, package)
        var records: [String: String] = [:]
        for entry in directory.entries where !entry.isFolder && entry.name != "\(information.folder)/RECORD" {
            let (place, isScript) = try place(of: entry.name, information, package)
            written += Int64(entry.size)
            guard written <= Self.bytesMax else {
                throw BuildFailure("packages.size", "the packages unfold to more than \(Self.bytesMax) bytes")
            }
            records[place] =
                isScript
                ? try write(Self.script(Self.bytes(entry, file)), to: place, isExecutable: true)
                : try write(entry, file, to: place)
        }
        for (name, reference) in information.scripts {
            let place = "bin/\(name)"
            guard records[place] == nil else { continue }
            records[place] = try write(Self.script(for: reference), to: place, isExecutable: true)
        }
        let folder = "\(modules)/\(information.folder)"
        records["\(folder)/INSTALLER"] = try write(Array("slipway\n".utf8), to: "\(folder)/INSTALLER")
        if package.isAskedFor { records["\(folder)/REQUESTED"] = try write([], to: "\(folder)/REQUESTED") }
        var lines = records.map { "\(Self.field(relative($0.key))),\($0.value)" }
        lines.append("\(Self.field("\(information.folder)/RECORD")),,")
        _ = try write(Array((lines.sorted().joined(separator: "\n") + "\n").utf8), to: "\(folder)/RECORD")
    }

    // MARK: What the wheel says of itself

    private struct Information {
        /// `numpy-2.3.4.dist-info`.
        var folder: String
        /// `numpy-2.3.4.data`.
        var data: String
        /// By name, what they call: `package.module:function`.
        var scripts: [(name: String, reference: String)] = []
    }

    private func information(
        _ directory: ZipDirectory, _ file: WheelFile, _ package: LockedPackage
    ) throws -> Information {
        let entries = directory.entries.filter { $0.name.hasSuffix(".dist-info/WHEEL") && $0.name.count(of: "/") == 1 }
        guard let entry = entries.first, entries.count == 1 else {
            throw Self.failure(package, "it has \(entries.count) descriptions (`.dist-info/WHEEL`) of itself")
        }
        let folder = String(entry.name.dropLast(6))
        let stem = folder.dropLast(10)
        guard Requirement.normal(stem.prefix { $0 != "-" }) == package.name else {
            throw Self.failure(package, "it holds \(stem)")
        }
        let text = String(decoding: try Self.bytes(entry, file), as: UTF8.self)
        let version = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("Wheel-Version:") }
        guard version?.dropFirst(14).trimmed.hasPrefix("1.") ?? false else {
            throw Self.failure(package, "it is of a form of wheels that is not known here: \(version ?? "none")")
        }
        var information = Information(folder: folder, data: "\(stem).data")
        if let points = directory.entries.first(where: { $0.name == "\(folder)/entry_points.txt" }) {
            information.scripts = Self.scripts(String(decoding: try Self.bytes(points, file), as: UTF8.self))
        }
        return information
    }

    /// The programs that a package brings, out of the sections for them.
    private static func scripts(_ text: String) -> [(name: String, reference: String)] {
        var found: [(String, String)] = []
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline).map(\.trimmed) {
            if line.hasPrefix("[") {
                isInside = line == "[console_scripts]" || line == "[gui_scripts]"
            } else if isInside, let equals = line.firstIndex(of: "="), line.first != "#", line.first != ";" {
                let name = line[..<equals].trimmed
                let reference = line[line.index(after: equals)...].prefix { $0 != "[" }.trimmed
                guard !name.isEmpty, !name.contains("/"), name != ".", name != "..",
                    reference.allSatisfy({ $0.isLetter || $0.isNumber || "._:".contains($0) })
                else { continue }
                found.append((String(name), String(reference)))
            }
        }
        return found
    }

    // MARK: Where things go

    /// Below the folder that packages are installed in.
    private func place(
        of name: String, _ information: Information, _ package: LockedPackage
    ) throws -> (place: String, isScript: Bool) {
        let path = try TarPath.normal(name)
        guard !path.isEmpty, !path.contains("\n"), !path.contains("\t"), !path.contains("\\") else {
            throw Self.failure(package, "it has a file named \(name.shown)")
        }
        guard path.hasPrefix(information.data + "/") else { return ("\(modules)/\(path)", false) }
        let parts = path.dropFirst(information.data.count + 1).split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { throw Self.failure(package, "it has a file named \(name.shown)") }
        switch parts[0] {
        case "purelib", "platlib": return ("\(modules)/\(parts[1])", false)
        case "scripts": return ("bin/\(parts[1])", true)
        case "headers": return ("include/python\(python.minor)/\(package.name)/\(parts[1])", false)
        case "data": return (String(parts[1]), false)
        default: throw Self.failure(package, "it has files for \(parts[0].shown), which is no place that wheels have")
        }
    }

    /// As `RECORD` names it: from the folder of modules.
    private func relative(_ place: String) -> String {
        place.hasPrefix(modules + "/") ? String(place.dropFirst(modules.count + 1)) : "../../../\(place)"
    }

    /// Of comma-separated values.
    private static func field(_ text: String) -> String {
        text.contains(",") || text.contains("\"") ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }

    // MARK: Writing

    private static func bytes(_ entry: ZipEntry, _ file: WheelFile) throws -> [UInt8] {
        guard entry.size <= 16 << 20 else { throw ZipError(.limit, "\(entry.name) has \(entry.size) bytes") }
        var bytes: [UInt8] = []
        try entry.unfold(size: file.size, read: { try file.read($0) }) { bytes += $0 }
        return bytes
    }

    /// A file in one piece, with its digest as `RECORD` has it.
    private mutating func write(_ bytes: [UInt8], to place: String, isExecutable: Bool = false) throws -> String {
        try ScratchFolder.make(folder(of: place))
        try ScratchFolder.write(bytes, to: "\(target)/\(place)")
        if isExecutable { executables.insert(place) } else { executables.remove(place) }
        return "\(Self.recorded(try BlobHasher.digest(bytes))),\(bytes.count)"
    }

    private mutating func write(_ entry: ZipEntry, _ file: WheelFile, to place: String) throws -> String {
        try ScratchFolder.make(folder(of: place))
        let path = "\(target)/\(place)"
        let output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard output >= 0 else { throw ScratchFolder.failure(path, "can't be written") }
        defer { close(output) }
        let hasher = try BlobHasher()
        try entry.unfold(size: file.size, read: { try file.read($0) }) { piece in
            piece.withUnsafeBytes { hasher.update($0) }
            try ScratchFolder.write(piece, to: output, path)
        }
        if entry.isExecutable { executables.insert(place) } else { executables.remove(place) }
        return "\(Self.recorded(try hasher.finish())),\(entry.size)"
    }

    private func folder(of place: String) -> String {
        "\(target)/\(place.dropLast(MachinePath.name(place).count + 1))"
    }

    private static func recorded(_ digest: BlobDigest) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = ""
        var (buffer, bits) = (0, 0)
        for byte in digest.bytes {
            (buffer, bits) = ((buffer << 8 | Int(byte)) & 0xFFFF, bits + 8)
            while bits >= 6 {
                bits -= 6
                text.append(letters[buffer >> bits & 63])
            }
        }
        if bits > 0 { text.append(letters[buffer << (6 - bits) & 63]) }
        return "sha256=\(text)"
    }

    /// Scripts of wheels leave open which Python runs them.
    private static func script(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.starts(with: Array("#!python".utf8)) else { return bytes }
        return Array("#!/usr/bin/env python3".utf8) + bytes.drop { $0 != 0x0a }
    }

    private static func script(for reference: String) -> [UInt8] {
        let parts = reference.split(separator: ":", maxSplits: 1)
        let call = parts.count == 2 ? String(parts[1]) : "main"
        let first = call.split(separator: ".").first.map(String.init) ?? call
        return Array(
            """
            #!/usr/bin/env python3
            import sys
            from \(parts.first ?? "") import \(first)
            if __name__ == "__main__":
                sys.exit(\(call)())

            """.utf8)
    }

    private static func failure(_ package: LockedPackage, _ reason: String) -> BuildFailure {
        BuildFailure("packages.wheel", "\(package.file) can't be installed: \(reason)")
    }
}

extension String {
    func count(of character: Character) -> Int { reduce(0) { $0 + ($1 == character ? 1 : 0) } }
}
