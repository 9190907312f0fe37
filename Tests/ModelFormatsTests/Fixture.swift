import Glibc

@testable import ModelFormats

/// Files of the Fixtures folder, read by ranges as a store would serve them.
final class Fixture: ModelFiles {
    let paths: [String]
    private let root: String
    private(set) var bytesRead = 0

    /// A single file, or every file of a folder.
    init(_ name: String) {
        let all = Self.root + "/" + name
        var status = stat()
        stat(all, &status)
        if status.st_mode & S_IFMT == S_IFDIR {
            root = all
            paths = Self.list(all)
        } else {
            root = Self.root
            paths = [name]
        }
    }

    private static let root = String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/")!)) + "/Fixtures"

    private static func list(_ folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if entry.pointee.d_type == UInt8(DT_REG) { names.append(name) }
        }
        return names.sorted()
    }

    func size(of path: String) throws -> Int {
        var status = stat()
        guard stat(root + "/" + path, &status) == 0 else { throw MissingFixture(path: path) }
        return Int(status.st_size)
    }

    func read(_ path: String, at offset: Int, count: Int) throws -> [UInt8] {
        let descriptor = Glibc.open(root + "/" + path, O_RDONLY)
        guard descriptor >= 0 else { throw MissingFixture(path: path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        let got = pread(descriptor, &bytes, count, off_t(offset))
        bytesRead += max(got, 0)
        return Array(bytes.prefix(max(got, 0)))
    }

    struct MissingFixture: Error { var path: String }

    static func bytes(_ name: String) throws -> [UInt8] {
        let fixture = Fixture(name)
        return try fixture.read(name, at: 0, count: try fixture.size(of: name))
    }
}

func recognise(_ fixture: String) throws -> ModelDescription { try ModelRecognizer.recognise(Fixture(fixture)) }

func recognise(
    _ files: [String: [UInt8]], limits: RecognitionLimits = RecognitionLimits()
) throws -> ModelDescription { try ModelRecognizer.recognise(MemoryModelFiles(files), limits: limits) }

extension ModelDescription {
    var codes: Set<ModelWarning.Code> { Set(warnings.map(\.code)) }
    var importNames: Set<String> { Set(imports.map(\.description)) }
    var dangerous: [String] { imports.filter { $0.risk == .dangerous }.map(\.description) }
    var suspicious: [String] { imports.filter { $0.risk == .suspicious }.map(\.description) }
}
