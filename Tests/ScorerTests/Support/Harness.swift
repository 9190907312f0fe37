import Access
import HTTP
import InferenceContracts
import Loop
import Protobuf
import RPC
import ServiceKit
import ScorerFakes
import Testing

@testable import ScorerCore

/// An answer over plain HTTP.
struct Reply: Sendable {
    var status: Int
    var fields: HeaderFields
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }

    func json() throws -> JSONTree {
        try JSONCursor.read(body[...]) { cursor throws(JSONProblem) in try cursor.tree() }
    }
}

/// A scorer on a socket, over models that are closures.
final class Harness: Sendable {
    let serving: FakeServing
    let server: RPCServer
    let http: HTTPServer
    let loops: LoopGroup
    private let clientLoops: LoopGroup
    private let resolver = ComputePool(threads: 1, name: "resolver")
    private let client: HTTPClient

    init(
        _ models: [FakeServing.Model], settings: ScoringSettings = ScoringSettings(), bodyLimit: Int = 1 << 20,
        access: AccessControl? = nil, collector: Collector? = nil
    ) async throws {
        loops = try LoopGroup(count: 1, name: "server")
        clientLoops = try LoopGroup(count: 1, name: "client")
        try loops.start()
        try clientLoops.start()
        try resolver.start()
        serving = FakeServing(models)
        let point = ScoringPoint(
            serving, settings: settings, bodyLimit: bodyLimit,
            build: BuildInformation(service: "scorer", version: "9.9"),
            collector: collector)
        let control: AccessControl
        if let access {
            control = access
        } else {
            control = try ScorerAccess.decide(
                AccessSettings(), addresses: [.tcp(host: "127.0.0.1", port: 0)]
            ).control
        }
        var configuration = RPCServerConfiguration()
        configuration.messageBytes = bodyLimit
        server = try ScorerOffer(point, access: control).server(control, configuration: configuration)
        http = HTTPServer(endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: loops, handler: server)
        try await http.start()
        client = HTTPClient(loops: clientLoops, resolver: resolver)
    }

    func stop() async {
        await client.close()
        await http.shutdown(grace: .seconds(1))
        resolver.stop()
        clientLoops.stop()
        loops.stop()
    }

    /// Calls methods in process.
    func calls(_ metadata: Metadata = [:]) -> Inference.GRPCInferenceService.Client {
        var configuration = ChannelConfiguration()
        configuration.interceptors = [Saying(metadata: metadata)]
        return .init(InProcessChannel(server, loops: clientLoops, configuration: configuration))
    }

    func send(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8]? = nil, fields: HeaderFields = [:]
    ) async throws -> Reply {
        let head = RequestHead(method: method, authority: "\(http.addresses[0])", path: path, fields: fields)
        return try await client.execute(head, body.map { .bytes($0) } ?? .none, deadline: .seconds(60)) { head, body in
            Reply(status: head.status, fields: head.fields, body: try await body.collect(upTo: 64 << 20))
        }
    }

    func post(_ path: String, _ text: String, fields: HeaderFields = [:]) async throws -> Reply {
        try await send(.post, path, Array(text.utf8), fields: fields)
    }

    func get(_ path: String, fields: HeaderFields = [:]) async throws -> Reply {
        try await send(.get, path, fields: fields)
    }
}

/// Adds metadata to each call.
private struct Saying: ClientInterceptor {
    let metadata: Metadata

    func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        var request = request
        request.metadata.append(metadata)
        return try await next(request)
    }
}

func withScorer(
    _ models: [FakeServing.Model], settings: ScoringSettings = ScoringSettings(), bodyLimit: Int = 1 << 20,
    access: AccessControl? = nil, collector: Collector? = nil, _ body: (Harness) async throws -> Void
) async throws {
    let harness = try await Harness(
        models, settings: settings, bodyLimit: bodyLimit, access: access, collector: collector)
    do { try await body(harness) } catch {
        await harness.stop()
        throw error
    }
    await harness.stop()
}
