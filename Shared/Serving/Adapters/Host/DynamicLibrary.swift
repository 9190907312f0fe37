import AdapterABI
import Glibc
import Loop

/// Opens an adapter's library, for good: a library that was once in a process can leave threads and destructors behind.
enum DynamicLibrary {
    typealias Entry = @convention(c) (UInt32) -> UnsafeRawPointer?

    /// - Throws: `unavailable` where the file is not there or cannot be linked, `unsupported` where it is no adapter.
    static func entry(of path: String) throws(ServingError) -> (entry: Entry, path: String) {
        guard let whole = realpath(path, nil) else {
            throw ServingError(.unavailable, "there is no adapter at \(path): \(String(cString: strerror(errno)))")
        }
        defer { free(whole) }
        let resolved = String(cString: whole)
        guard let library = dlopen(resolved, RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? "for no reason given"
            throw ServingError(.unavailable, "\(resolved) cannot be opened: \(reason)")
        }
        guard let symbol = dlsym(library, SLIPWAY_ADAPTER_ENTRY) else {
            throw ServingError(
                .unsupported, "\(resolved) is no adapter: it does not export \(SLIPWAY_ADAPTER_ENTRY)")
        }
        return (unsafeBitCast(symbol, to: Entry.self), resolved)
    }
}

/// The right to open the adapter in a library: the contract promises an adapter one host in a process.
package final class LibraryClaim: Sendable {
    private static let claimed = Lock<Set<String>>([])
    private let path: String

    /// - Parameter path: without links on the way.
    init(_ path: String) throws(ServingError) {
        self.path = path
        guard LibraryClaim.claimed.withLock({ $0.insert(path).inserted }) else {
            throw ServingError(.refused, "\(path) is open already, and an adapter is opened once in a process")
        }
    }

    deinit { LibraryClaim.claimed.withLock { _ = $0.remove(path) } }
}
