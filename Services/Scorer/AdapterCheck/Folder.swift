import Glibc

/// A folder for files that a check makes; what is left of it goes with the command.
struct Folder {
    let path: String

    init(in parent: String) throws(Finding) {
        var template = Array("\(parent)/XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Finding("no folder can be made in \(parent)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Copies a model's files, damaged.
    func copy(_ source: String, _ damage: Damage, seed: UInt64) throws(Finding) {
        try Files.copy(source, to: path) { bytes in
            switch damage {
            case .emptied: return []
            case .cut: return Array(bytes.prefix(bytes.count / 2))
            case .scrambled:
                var state = seed
                return bytes.map { byte in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return byte ^ UInt8(truncatingIfNeeded: state >> 56)
                }
            }
        }
    }
}

/// What can happen to files.
enum Damage: String, CaseIterable {
    case emptied
    case cut = "cut short"
    case scrambled
}

enum Files {
    static func read(_ path: String) throws(Finding) -> [UInt8] {
        guard let file = fopen(path, "re") else {
            throw Finding("\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            while true {
                let count = fread(buffer.baseAddress, 1, buffer.count, file)
                guard count > 0 else { return }
                bytes.append(contentsOf: buffer[..<count])
            }
        }
        return bytes
    }

    static func write(_ bytes: [UInt8], to path: String) throws(Finding) {
        guard let file = fopen(path, "we") else { throw Finding("\(path) cannot be written") }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw Finding("\(path) cannot be written") }
    }

    static func list(_ folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func copy(_ source: String, to target: String, _ change: ([UInt8]) -> [UInt8]) throws(Finding) {
        for name in list(source) {
            let (from, to) = ("\(source)/\(name)", "\(target)/\(name)")
            if isFolder(from) {
                mkdir(to, 0o700)
                try copy(from, to: to, change)
            } else {
                try write(change(try read(from)), to: to)
            }
        }
    }

    static func remove(_ path: String) {
        if isFolder(path) {
            for name in list(path) { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
