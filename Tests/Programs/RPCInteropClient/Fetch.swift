import Glibc
import HTTP
import Loop
import ProgramKit

/// Fetches one URL over HTTP/2 and writes the body to standard output.
struct Fetch {
    let loops: LoopGroup
    let authorityFile: String?

    func run(_ url: String) async throws {
        let (scheme, authority, path) = try split(url)
        let tls =
            try scheme == "https" ? TLSContext(TLSConfiguration(authorityFile: authorityFile), role: .client) : nil
        let resolver = ComputePool(threads: 1, name: "resolver")
        try resolver.start()
        let client = HTTPClient(
            loops: loops, resolver: resolver, configuration: HTTPClient.Configuration(tls: tls, wanted: .http2))
        let head = RequestHead(
            method: .get, scheme: scheme, authority: authority, path: path, fields: ["user-agent": "slipway-fetch"])
        let status = try await client.execute(head) { response, body in
            for try await piece in body { try write(piece) }
            return response.status
        }
        await client.close()
        resolver.stop()
        guard (200..<300).contains(status) else { throw FlagError("\(url) answered with status \(status)") }
    }

    private func split(_ url: String) throws -> (scheme: String, authority: String, path: String) {
        for scheme in ["http", "https"] where url.hasPrefix("\(scheme)://") {
            let rest = url.dropFirst(scheme.count + 3)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            guard end > rest.startIndex else { break }
            let path = rest[end...]
            return (scheme, String(rest[..<end]), path.hasPrefix("/") ? String(path) : "/\(path)")
        }
        throw FlagError("\"\(url)\" is no http:// or https:// URL")
    }

    private func write(_ piece: some Collection<UInt8>) throws {
        let bytes = Array(piece)
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { buffer in
                Glibc.write(STDOUT_FILENO, buffer.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            guard written > 0 else { throw FlagError("cannot write to standard output") }
            offset += written
        }
    }
}
