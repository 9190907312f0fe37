import Access
import Contracts
import DeployerRouter
import Glibc
import HTTP
import Loop
import Protobuf
import ServiceKit

/// The two ends of the benchmark: a replica that answers at once, and the router as a service runs it, but with a route from
/// its arguments in place of the database.
///
///     bench-router replica PORT
///     bench-router router PORT http1|http2 REPLICA…
@main
struct BenchRouter {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let mode = arguments.first, let port = arguments.dropFirst().first.flatMap({ Int($0) }) else {
            exit(2)
        }
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let handler: any HTTPServerHandler
        if mode == "replica" {
            handler = Answering()
        } else {
            let rest = Array(arguments.dropFirst(2))
            var settings = RouterSettings()
            settings.replicaProtocol = rest.first == "http2" ? .http2 : .http11
            settings.logsRequests = false
            let router = Router(loops: loops, settings: settings, logger: .silent)
            let maker = RoutingTableMaker(
                domain: "localhost",
                unsealing: .init(replicaKey: { sealed, _ in sealed }, certificateKey: { sealed, _ in sealed }))
            let (table, problems) = maker.table(of: [route(Array(rest.dropFirst()))])
            guard problems.isEmpty else { exit(1) }
            router.adopt(table)
            handler = router
        }
        let server = HTTPServer(
            endpoints: [.init(.tcp(host: "127.0.0.1", port: port))], loops: loops, handler: handler)
        try await server.start()
        while true { pause() }
    }

    private static func route(_ replicas: [String]) -> Slipway.Routing.V1.Route {
        var route = Slipway.Routing.V1.Route(deployment: 1, version: 1, workspace: "default", name: "bench")
        route.access = .init(keys: [.init(digest: .init(SHA256Digest(of: Array("key".utf8)).bytes), name: "primary")])
        route.shares = [.init(revision: 1, percent: 100)]
        route.revisions = [
            .init(
                number: 1,
                replicas: replicas.map { .init(id: $0, address: $0, sealedKey: .init("replica-key".utf8)) },
                concurrency: 1000)
        ]
        return route
    }

    /// Sends back what comes, as a call of gRPC where it is one.
    private final class Answering: HTTPServerHandler {
        func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver { Receiver(stream) }

        private final class Receiver: HTTPStreamReceiver {
            private var stream: HTTPStream?
            private var body: [UInt8] = []

            init(_ stream: HTTPStream) { self.stream = stream }

            func received(body bytes: UnsafeRawBufferPointer) {
                body.append(contentsOf: bytes)
                stream?.consumed(bytes.count)
            }

            func receivedEnd(trailers: HeaderFields?) {
                guard let stream else { return }
                let isCall = stream.request.fields.text("content-type") == "application/grpc"
                stream.send(
                    ResponseHead(
                        status: 200,
                        fields: ["content-type": isCall ? "application/grpc" : "application/json"]))
                stream.send(body[...])
                stream.finish(trailers: isCall ? ["grpc-status": "0"] : nil)
            }

            func closed(_ closure: StreamClosure) { stream = nil }
        }
    }
}
