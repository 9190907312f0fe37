import Glibc

/// A folder that goes with its last reference.
final class TemporaryFolder {
    let root: String

    struct Unmade: Error {}

    init() throws {
        var template = Array("/tmp/slipway-commands-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Unmade() }
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { TemporaryFolder.remove(root) }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func write(_ files: [String: String]) throws {
        for (name, text) in files {
            var folder = root
            for part in name.split(separator: "/").dropLast() {
                folder += "/\(part)"
                mkdir(folder, 0o755)
            }
            let descriptor = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o644)
            guard descriptor >= 0 else { throw Unmade() }
            defer { close(descriptor) }
            let bytes = Array(text.utf8)
            guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw Unmade() }
        }
    }

    private static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        guard let stream = opendir(path) else { return }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { remove("\(path)/\(name)") }
        }
        closedir(stream)
        rmdir(path)
    }
}
