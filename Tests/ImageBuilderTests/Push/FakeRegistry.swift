import HTTP
import Loop
import Testing

@testable import Blobs

/// A registry in this process, which does what it is told to: what real ones do only on their bad days.
final class FakeRegistry: Sendable {
    struct State {
        var blobs: [String: [UInt8]] = [:]
        var manifests: [String: [UInt8]] = [:]
        var requests: [String] = []
        var uploads = 0
        /// Bytes of blobs that came in.
        var receivedBytes = 0
    }

    /// What is answered instead; nil lets the registry do its work.
    typealias Fault =
        @Sendable (_ request: String, _ count: Int) async -> (
            status: Int, fields: HeaderFields, body: String
        )?

    let state = Lock(State())
    private let fault: Fault
    private let password: String?

    init(password: String? = nil, _ fault: @escaping Fault = { _, _ in nil }) {
        self.fault = fault
        self.password = password
    }

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        let path = request.head.path
        let line = "\(request.head.method) \(request.head.target)"
        let count = state.withLock { state in
            state.requests.append(line)
            return state.requests.count { $0 == line }
        }
        if let password, request.head.fields["authorization"] != password {
            return try await responder.respond(401, ["www-authenticate": "Basic realm=\"fake\""])
        }
        if let (status, fields, body) = await fault(line, count) {
            return try await responder.respond(status, fields, Array(body.utf8))
        }
        let parts = path.split(separator: "/").map(String.init)
        switch (request.head.method, parts.dropFirst(3).first) {
        case (.head, "blobs"):
            guard let size = state.withLock({ $0.blobs[parts[4]]?.count }) else {
                return try await responder.respond(404)
            }
            try await responder.send(ResponseHead(status: 200, fields: ["content-length": "\(size)"]))
            try await responder.finish()
        case (.post, "blobs"):
            let number = state.withLock { state in
                state.uploads += 1
                return state.uploads
            }
            try await responder.respond(202, ["location": "/v2/team/churn/blobs/uploads/\(number)?state=x"])
        case (.put, "blobs"):
            let bytes = try await request.body.collect(upTo: 1 << 26)
            let digest = "\(try BlobHasher.digest(bytes))"
            guard request.head.target.contains(digest.replacing(":", with: "%3A")) else {
                return try await responder.respond(400, [:], Array(#"{"errors":[{"code":"DIGEST_INVALID"}]}"#.utf8))
            }
            state.withLock {
                $0.blobs[digest] = bytes
                $0.receivedBytes += bytes.count
            }
            try await responder.respond(201)
        case (.put, "manifests"):
            let bytes = try await request.body.collect(upTo: 1 << 22)
            state.withLock { $0.manifests[parts[4]] = bytes }
            try await responder.respond(201, ["docker-content-digest": "\(try BlobHasher.digest(bytes))"])
        default: try await responder.respond(404)
        }
    }

    /// Runs `body` with the registry on a port, whose address it gets.
    func run(_ loops: LoopGroup, _ body: (String) async throws -> Void) async throws {
        let server = HTTPServer(
            endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: loops,
            handler: AsyncHandler { [self] in try await handle($0, $1) })
        try await server.start()
        do {
            try await body(try #require(server.addresses.first).description)
            await server.shutdown(grace: .zero)
        } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
    }
}
