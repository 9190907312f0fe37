import HTTP
import Loop
import Protobuf
import ServiceKit
import Testing

@testable import Access
@testable import Blobs
@testable import Identity
@testable import ImageBuilderCore
@testable import Postgres

/// What came back.
struct WebAnswer: Sendable {
    let status: Int
    let fields: HeaderFields
    let body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The code of the specification's error document.
    var code: String? {
        text.firstRange(of: "\"code\":\"").map { String(text[$0.upperBound...].prefix { $0 != "\"" }) }
    }

    /// A text member of a JSON document, without escapes.
    func member(_ name: String) -> String? {
        text.firstRange(of: "\"\(name)\":\"").map { String(text[$0.upperBound...].prefix { $0 != "\"" }) }
    }
}

/// The distribution API on a port.
struct DistributionWeb: Sendable {
    let fixture: ImagesFixture
    let address: SocketAddress
    let client: HTTPClient
    /// Seconds since 1970, for tickets.
    let clock: Lock<Int64>

    func send(
        _ method: HTTPMethod, _ path: String, _ fields: HeaderFields = [:], authorization: String? = nil,
        _ body: HTTPClient.Body = .none
    ) async throws -> WebAnswer {
        var fields = fields
        if let authorization { fields.set("authorization", authorization) }
        let head = RequestHead(
            method: method, authority: address.description, path: path, fields: fields, version: .http11)
        return try await client.execute(head, body, deadline: .seconds(60)) { head, body in
            WebAnswer(status: head.status, fields: head.fields, body: try await body.collect(upTo: 1 << 26))
        }
    }

    static func basic(_ token: Secret, user: String = "anything") -> String {
        "Basic " + Base64.encode(Array("\(user):\(token.reveal())".utf8)[...])
    }

    static func bearer(_ token: Secret) -> String { "Bearer \(token.reveal())" }

    /// The ticket that docker would get for a token.
    func ticket(_ token: Secret, scope: String) async throws -> String {
        let answer = try await send(
            .get, "/v2/token?service=slipway&scope=\(scope)", authorization: DistributionWeb.basic(token))
        return "Bearer " + (try #require(answer.member("token"), "\(answer.status) \(answer.text)"))
    }
}

func withDistribution(
    store: (any BlobStore)? = nil, _ body: (DistributionWeb) async throws -> Void
) async throws {
    try await withImages { fixture in
        let clock = Lock<Int64>(1_700_000_000)
        var routes = AccessRoutes(AccessControl(IdentitySource(fixture.pool)))
        try DistributionRoutes(
            ImageRecords(fixture.pool), store: store ?? fixture.blobs, key: Array(repeating: 7, count: 32),
            now: { clock.withLock { $0 } }
        ).add(to: &routes)
        let server = HTTPServer(
            endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: fixture.loops, handler: Routes(routes.table))
        try await server.start()
        let resolver = ComputePool(threads: 1, name: "resolver")
        try resolver.start()
        defer { resolver.stop() }
        let client = HTTPClient(loops: fixture.loops, resolver: resolver)
        do {
            let address = try #require(server.addresses.first)
            try await body(DistributionWeb(fixture: fixture, address: address, client: client, clock: clock))
            await client.close()
            await server.shutdown(grace: .zero)
        } catch {
            await client.close()
            await server.shutdown(grace: .zero)
            throw error
        }
    }
}
