import Glibc
import HTTP
import Loop
import Protobuf
import RPC
import Testing

@testable import ServiceKit

typealias Text = Google.Protobuf.StringValue

/// Echoes; fails as the text says.
final class EchoService: RPCService {
    static let echo = MethodDescriptor<Text, Text>(service: "slipway.test.Echo", name: "Echo", shape: .unary)

    let onCall: @Sendable (Text, ServerContext) async throws -> Void

    init(_ onCall: @escaping @Sendable (Text, ServerContext) async throws -> Void = { _, _ in }) {
        self.onCall = onCall
    }

    func handlers() -> [MethodHandler] {
        [
            .unary(EchoService.echo) { [onCall] request, context in
                try await onCall(request.message, context)
                return ServerResponse(request.message)
            }
        ]
    }
}

func text(_ value: String) -> Text {
    var message = Text()
    message.value = value
    return message
}

/// Runs `body` with a server on a free port.
func withServer<Result>(
    _ handler: any HTTPServerHandler, loops: LoopGroup, _ body: (SocketAddress) async throws -> Result
) async throws -> Result {
    let server = HTTPServer(
        endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: loops, handler: handler)
    try await server.start()
    let address = try #require(server.addresses.first)
    do {
        let result = try await body(address)
        await server.shutdown(grace: .seconds(2))
        return result
    } catch {
        await server.shutdown(grace: .zero)
        throw error
    }
}

/// Loops and a client for as long as `body` runs.
func withClient<Result>(_ body: (LoopGroup, HTTPClient) async throws -> Result) async throws -> Result {
    let loops = try LoopGroup(count: 1, name: "kit")
    try loops.start()
    let resolver = ComputePool(threads: 1, name: "resolver")
    try resolver.start()
    let client = HTTPClient(loops: loops, resolver: resolver)
    func end() async {
        await client.close()
        resolver.stop()
        loops.stop()
    }
    do {
        let result = try await body(loops, client)
        await end()
        return result
    } catch {
        await end()
        throw error
    }
}

extension HTTPClient {
    func get(_ address: SocketAddress, _ path: String, accept: String? = nil) async throws
        -> (status: Int, type: String, body: String)
    {
        var request = RequestHead(
            method: .get, authority: address.description, path: path, version: .http11)
        if let accept { request.fields.set("accept", accept) }
        return try await execute(request) { head, body in
            (
                head.status, head.fields["content-type"] ?? "",
                String(decoding: try await body.collect(upTo: 1 << 20), as: UTF8.self)
            )
        }
    }
}

/// A collector: takes OTLP over HTTP and keeps the spans.
final class Collector: Sendable {
    typealias Span = Opentelemetry.Proto.Trace.V1.Span
    typealias Request = Opentelemetry.Proto.Collector.Trace.V1.ExportTraceServiceRequest

    private let taken = Lock<[Request]>([])
    private let answers = Lock<[Int]>([])
    let requests = Lock(0)

    /// - Parameter answers: statuses for the first requests; after them all are taken.
    init(answers: [Int] = []) { self.answers.withLock { $0 = answers } }

    var batches: [Request] { taken.withLock { $0 } }
    var spans: [Span] { batches.flatMap { $0.resourceSpans.flatMap { $0.scopeSpans.flatMap(\.spans) } } }

    func routes() throws -> Routes {
        var table = RouteTable<any RouteHandler>()
        try table.add(.post, "/v1/traces") { [self] request, responder in
            requests.withLock { $0 += 1 }
            let body = try await request.body.collect(upTo: 1 << 22)
            let status = answers.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
            guard status == 200, request.head.fields["content-type"] == "application/x-protobuf" else {
                return try await responder.respond(status == 200 ? 415 : status)
            }
            let message = try Request(serialized: body[...])
            taken.withLock { $0.append(message) }
            try await responder.respond(200, ["content-type": "application/x-protobuf"])
        }
        return Routes(table)
    }
}
