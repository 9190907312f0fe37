import Glibc
import HTTP
import Loop
import Protobuf
import Testing

@testable import RPC

/// A service made of handlers.
struct Offer: RPCService {
    let list: [MethodHandler]

    init(_ list: MethodHandler...) { self.list = list }
    func handlers() -> [MethodHandler] { list }
}

/// Opens once; whoever waits goes on then.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var next = 0
    }
    private let state = Lock(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns early where the task is cancelled, as the time limit of a suite does with a wait in vain.
    func wait() async {
        let place = Lock<Int?>(nil)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.isOpen || Task.isCancelled { return true }
                    state.next += 1
                    place.withLock { $0 = state.next }
                    state.waiting[state.next] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                place.withLock { $0 }.flatMap { state.waiting.removeValue(forKey: $0) }
            }?.resume()
        }
    }
}

/// Returns when the task is cancelled.
func untilCancelled() async {
    let gate = Gate()
    await withTaskCancellationHandler {
        await gate.wait()
    } onCancel: {
        gate.open()
    }
}

/// What came back over HTTP.
struct Answer: Sendable {
    var status: Int
    var fields: HeaderFields
    var body: [UInt8]
    var trailers: HeaderFields?

    var text: String { String(decoding: body, as: UTF8.self) }
    var error: RPCError? { ConnectJSON.error(of: body[...], fallback: .unknown) }
}

/// A server on a socket, and clients for it.
final class Served: Sendable {
    let rpc: RPCServer
    let http: HTTPServer
    let serverLoops: LoopGroup
    let clientLoops: LoopGroup
    private let resolver = ComputePool(threads: 1, name: "resolver")
    private let channels = Lock<[NetworkChannel]>([])

    init(
        _ services: [any RPCService], _ interceptors: [any ServerInterceptor], _ configuration: RPCServerConfiguration,
        clock: any LoopClock
    ) async throws {
        serverLoops = try LoopGroup(count: 1, name: "server", clock: clock)
        clientLoops = try LoopGroup(count: 1, name: "client")
        try serverLoops.start()
        try clientLoops.start()
        try resolver.start()
        rpc = RPCServer(services: services, interceptors: interceptors, configuration: configuration)
        http = HTTPServer(
            endpoints: [HTTPServer.Endpoint(.tcp(host: "127.0.0.1", port: 0))], loops: serverLoops, handler: rpc)
        try await http.start()
    }

    var address: SocketAddress { http.addresses[0] }

    func channel(_ manner: Manner = .grpc, _ change: (inout ChannelConfiguration) -> Void = { _ in }) -> NetworkChannel
    {
        var configuration = manner.configuration
        change(&configuration)
        let channel = NetworkChannel(address, loops: clientLoops, configuration: configuration)
        channels.withLock { $0.append(channel) }
        return channel
    }

    /// One exchange over HTTP, on a connection of its own.
    func exchange(
        _ method: HTTPMethod, _ path: String, _ fields: HeaderFields = [:], body: [UInt8]? = nil,
        over version: ClientProtocol = .http11
    ) async throws -> Answer {
        let client = HTTPClient(loops: clientLoops, resolver: resolver, configuration: .init(wanted: version))
        let head = RequestHead(method: method, authority: "\(address)", path: path, fields: fields)
        do {
            let answer = try await client.execute(head, body.map { .bytes($0) } ?? .none, deadline: .seconds(30)) {
                head, body in
                let bytes = try await body.collect(upTo: 1 << 26)
                return Answer(
                    status: head.status, fields: head.fields, body: bytes, trailers: try await body.trailers)
            }
            await client.close()
            return answer
        } catch {
            await client.close()
            throw error
        }
    }

    /// A unary gRPC request of one message, whose status is looked for wherever it may be.
    func grpc(
        _ path: String, _ message: some Message, _ fields: HeaderFields = [:]
    ) async throws -> (answer: Answer, status: HeaderFields) {
        var head: HeaderFields = ["content-type": "application/grpc", "te": "trailers"]
        for (name, value) in fields { head.add(name, value) }
        let body = try MessageDeframer.frame(message.serialized(prefix: 5), isCompressed: false)
        let answer = try await exchange(.post, path, head, body: Array(body), over: .http2)
        return (answer, answer.trailers ?? answer.fields)
    }

    /// What the server answers to these very bytes, up to its end.
    func raw(_ request: String) async throws -> String {
        guard case .tcp(_, let port) = address else { return "" }
        let pool = ComputePool(threads: 1, name: "raw")
        try pool.start()
        defer { pool.stop() }
        return try await pool.run {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var limit = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            name.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
            let status = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard status == 0 else { throw LoopError(operation: "connect", number: errno) }
            let bytes = Array(request.utf8)
            guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
                throw LoopError(operation: "send", number: errno)
            }
            var answer: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                answer += buffer[..<count]
            }
            return String(decoding: answer, as: UTF8.self)
        }
    }

    func stop() async {
        for channel in channels.withLock({ $0 }) { await channel.close(grace: .zero) }
        await http.shutdown(grace: .seconds(5))
        resolver.stop()
        clientLoops.stop()
        serverLoops.stop()
    }
}

/// Runs `body` with a server, and checks that no call outlives it.
func withServer(
    _ services: [any RPCService], interceptors: [any ServerInterceptor] = [],
    configuration: RPCServerConfiguration = RPCServerConfiguration(), clock: any LoopClock = MonotonicClock(),
    _ body: (Served) async throws -> Void
) async throws {
    let served = try await Served(services, interceptors, configuration, clock: clock)
    do { try await body(served) } catch {
        await served.stop()
        throw error
    }
    await served.stop()
    #expect(served.rpc.callsInFlight == 0)
    #expect(served.http.statistics.openStreams == 0)
}

extension Probe {
    static let echoPath = "/slipway.test.Probe/Echo"
    static let readPath = "/slipway.test.Probe/Read"

    /// Answers what it was told.
    static let echoing: MethodHandler = .unary(echo) { request, _ in ServerResponse(request.message) }

    /// Waits for its caller to give up, and says so.
    static func patient(_ started: Gate, _ cancelled: Gate) -> MethodHandler {
        .unary(echo) { request, _ in
            started.open()
            await untilCancelled()
            cancelled.open()
            return ServerResponse(request.message)
        }
    }
}
