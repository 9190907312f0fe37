import HTTP
import Loop
internal import RPC
import ServiceKit

@testable import Access
@testable import Identity

/// Offers methods without knowing their messages, and says whom it took the caller for.
struct RawOffer: RPCService {
    let methods: [AnyMethod]

    func handlers() -> [MethodHandler] {
        methods.map { method in
            .raw(method) { requests, responses, context in
                for try await _ in requests {}
                context.responseMetadata.add("seen-as", "\(context.caller)")
                try await responses.write(context.codec == .json ? Array("{}".utf8)[...] : [])
            }
        }
    }
}

/// A server with every method and a plain route for each requirement, on a socket.
final class MatrixServer: Sendable {
    let rpc: RPCServer
    let http: HTTPServer
    let loops: LoopGroup
    let client: LoopGroup
    let resolver = ComputePool(threads: 1, name: "resolver")
    static let routes: [(path: String, requirement: Requirement)] = [
        ("/reader", .workspace(.reader)), ("/contributor", .workspace(.contributor)), ("/owner", .workspace(.owner)),
        ("/administrator", .administrator), ("/signed-in", .signedIn), ("/anyone", .anyone),
    ]

    init(
        _ services: [any RPCService], _ control: AccessControl, _ interceptors: [any ServerInterceptor] = []
    ) async throws {
        loops = try LoopGroup(count: 2, name: "server")
        client = try LoopGroup(count: 1, name: "client")
        try loops.start()
        try client.start()
        try resolver.start()
        var routes = AccessRoutes(control)
        for (path, requirement) in MatrixServer.routes {
            for pattern in [path, "/in/{workspace}\(path)"] {
                try routes.add(.get, pattern, requires: requirement) { _, caller, responder in
                    try await responder.respond(200, ["seen-as": "\(caller)"])
                }
            }
        }
        rpc = RPCServer(
            services: services, interceptors: interceptors + [AccessInterceptor(control, services: services)],
            fallback: Routes(routes.table))
        http = HTTPServer(endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: loops, handler: rpc)
        try await http.start()
    }

    func stop() async {
        await http.shutdown(grace: .seconds(5))
        resolver.stop()
        client.stop()
        loops.stop()
    }
}

/// The ways in which a method or a route can be asked.
enum AccessDialect: String, CaseIterable, Sendable {
    case grpc, grpcInProcess, connectHTTP1, connectHTTP2

    /// Calls that stream both ways are for HTTP/2, in Connect as in gRPC.
    func canCarry(_ method: AnyMethod) -> Bool { self != .connectHTTP1 || method.shape != .bidirectional }

    func channel(_ server: MatrixServer, _ interceptors: [any ClientInterceptor] = []) -> any RPCChannel {
        var configuration = ChannelConfiguration()
        configuration.interceptors = interceptors
        switch self {
        case .grpc: break
        case .grpcInProcess:
            return InProcessChannel(server.rpc, loops: server.client, configuration: configuration)
        case .connectHTTP1, .connectHTTP2:
            configuration.callProtocol = .connect
            configuration.codec = .json
            if self == .connectHTTP1 { configuration.httpProtocol = .http11 }
        }
        return NetworkChannel(server.http.addresses[0], loops: server.client, configuration: configuration)
    }
}
