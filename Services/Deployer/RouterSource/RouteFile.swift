import Access
import Contracts
import Glibc
import Protobuf

/// The routes that a router knew last, in a file: it starts from them while the database is away. Nobody but its owner may
/// read it; the keys in it are sealed as they are in the database.
struct RouteFile: Sendable {
    private static let mark = Array("slipway routes 1\n".utf8)
    /// So large that no table of routes gets there, so small that a damaged file can't fill the memory.
    private static let bytesMax = 256 * 1024 * 1024

    let path: String

    /// Replaces the file; there is the one or the other at any moment.
    /// - Throws: `PrivateFile.Failure`.
    func write(_ routes: [Slipway.Routing.V1.Route]) throws {
        var bytes = RouteFile.mark
        for route in routes {
            let message = route.serialized()
            withUnsafeBytes(of: UInt32(message.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes += message
        }
        bytes += SHA256Digest(of: bytes).bytes
        try PrivateFile.replace(bytes, at: path)
    }

    /// The routes; nil where there is no file.
    /// - Throws: `PrivateFile.Failure`, `Damage`.
    func read() throws -> [Slipway.Routing.V1.Route]? {
        guard let size = try size(), let bytes = try PrivateFile.read(path, limit: size) else { return nil }
        guard bytes.count >= RouteFile.mark.count + 32, bytes.starts(with: RouteFile.mark),
            SHA256Digest(of: Array(bytes.dropLast(32))).bytes == Array(bytes.suffix(32))
        else { throw Damage(path: path) }
        var routes: [Slipway.Routing.V1.Route] = []
        var rest = bytes.dropFirst(RouteFile.mark.count).dropLast(32)
        while !rest.isEmpty {
            guard rest.count >= 4 else { throw Damage(path: path) }
            let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard rest.count >= count else { throw Damage(path: path) }
            routes.append(try Slipway.Routing.V1.Route(serialized: Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return routes
    }

    /// The file is not as it was written.
    struct Damage: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(path) is damaged" }
    }

    private func size() throws -> Int? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        // Far above what routes take.
        guard facts.st_size <= RouteFile.bytesMax else {
            throw Damage(path: path)
        }
        return Int(facts.st_size)
    }
}
