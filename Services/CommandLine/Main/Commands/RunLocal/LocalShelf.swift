import CommandLineKit
import Glibc

/// A folder for a scorer that holds one model: a link to what somebody works on, and how it is to be run. What is changed
/// there is loaded again.
struct LocalShelf {
    let folder: String
    private let model: String

    /// - Parameters:
    ///   - path: the model's folder.
    ///   - configuration: as `slipway.json` has it.
    /// - Throws: `Failure`.
    init(model: String, at path: String, configuration: Document) throws {
        var template = Array("/tmp/slipway-run-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } }
        guard made != nil else {
            throw LocalShelf.failure("make a folder in /tmp")
        }
        folder = template.withUnsafeBufferPointer { buffer in buffer.baseAddress.map { String(cString: $0) } ?? "" }
        self.model = model
        do {
            guard mkdir("\(folder)/\(model)", 0o700) == 0 else { throw LocalShelf.failure("make \(folder)/\(model)") }
            guard symlink(path, "\(folder)/\(model)/1") == 0 else { throw LocalShelf.failure("link to \(path)") }
            let file = "\(folder)/\(model)/slipway.json"
            let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw LocalShelf.failure("write \(file)") }
            defer { close(descriptor) }
            let bytes = Array(configuration.json.utf8)
            guard write(descriptor, bytes, bytes.count) == bytes.count else {
                throw LocalShelf.failure("write \(file)")
            }
        } catch {
            remove()
            throw error
        }
    }

    private static func failure(_ what: String) -> Failure {
        Failure(.failed, "cannot \(what): \(String(cString: strerror(errno)))")
    }

    /// Takes it away; what it links to stays.
    func remove() {
        unlink("\(folder)/\(model)/slipway.json")
        unlink("\(folder)/\(model)/1")
        rmdir("\(folder)/\(model)")
        rmdir(folder)
    }
}
