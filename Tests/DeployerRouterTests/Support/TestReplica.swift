import Glibc
import HTTP
import Loop
import Synchronization
import Testing

/// A real server as a replica: it answers `NAME METHOD TARGET` with the body behind it, and can be told to fail.
final class TestReplica: HTTPServerHandler {
    enum Behaviour: Sendable {
        case answers
        /// Keeps its answer until the gate is opened.
        case waits(Gate)
        /// Breaks the stream when the request has come, before any byte of an answer.
        case breaksBefore
        /// Breaks it behind the first bytes of its answer.
        case breaksAfter
        case status(Int)
    }

    let name: String
    private let behaviour: Lock<Behaviour>
    /// Heads of the requests that came.
    let heads = Lock<[RequestHead]>([])
    private let server = Lock<HTTPServer?>(nil)

    init(_ name: String, _ behaviour: Behaviour = .answers) {
        self.name = name
        self.behaviour = Lock(behaviour)
    }

    var requests: Int { heads.withLock { $0.count } }
    func behave(_ new: Behaviour) { behaviour.withLock { $0 = new } }

    /// - Returns: where it answers.
    func start(on loops: LoopGroup, at address: SocketAddress = .tcp(host: "127.0.0.1", port: 0)) async throws -> String
    {
        let server = HTTPServer(endpoints: [.init(address)], loops: loops, handler: self)
        try await server.start()
        self.server.withLock { $0 = server }
        return try #require(server.addresses.first).description
    }

    var openConnections: Int { server.withLock { $0 }?.statistics.openConnections ?? 0 }

    func stop() async { await server.withLock { $0 }?.shutdown(grace: .zero) }

    func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        heads.withLock { $0.append(stream.request) }
        return Answer(stream, name, behaviour.withLock { $0 })
    }

    private final class Answer: HTTPStreamReceiver {
        private var stream: HTTPStream?
        private let name: String
        private let behaviour: Behaviour
        private var body: [UInt8] = []

        init(_ stream: HTTPStream, _ name: String, _ behaviour: Behaviour) {
            self.stream = stream
            self.name = name
            self.behaviour = behaviour
        }

        func received(body bytes: UnsafeRawBufferPointer) {
            body.append(contentsOf: bytes)
            stream?.consumed(bytes.count)
        }

        func receivedEnd(trailers: HeaderFields?) {
            switch behaviour {
            case .answers: answer(200, trailers)
            case .status(let status): answer(status, trailers)
            case .breaksBefore: stream?.reset(.internalError)
            case .breaksAfter:
                stream?.send(ResponseHead(status: 200))
                stream?.send(ArraySlice(Array("beginning".utf8)))
                // What was said has to leave before the break does.
                stream?.loop.schedule(after: .milliseconds(20)) { [self] in stream?.reset(.internalError) }
            case .waits(let gate):
                guard let loop = stream?.loop else { return }
                let me = Unchecked(self)
                gate.whenOpen { loop.run { me.value.answer(200, trailers) } }
            }
        }

        private func answer(_ status: Int, _ trailers: HeaderFields?) {
            guard let stream else { return }
            let isCall = stream.request.fields["content-type"]?.hasPrefix("application/grpc") ?? false
            var fields: HeaderFields = ["x-replica": name]
            if isCall { fields.add("content-type", "application/grpc") }
            stream.send(ResponseHead(status: status, fields: fields))
            stream.send(
                ArraySlice(
                    isCall ? body : Array("\(name) \(stream.request.method) \(stream.request.target)\n".utf8) + body))
            stream.finish(trailers: isCall ? ["grpc-status": "0", "x-trailer": trailers?["x-sent"] ?? "none"] : nil)
        }

        func closed(_ closure: StreamClosure) { stream = nil }
    }
}

/// Only handed from one place to another on the same loop.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Opened once, by the test.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [@Sendable () -> Void] = []
    }
    private let state = Lock(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in waiting { body() }
    }

    func whenOpen(_ body: @escaping @Sendable () -> Void) {
        let isOpen = state.withLock { state in
            if !state.isOpen { state.waiting.append(body) }
            return state.isOpen
        }
        if isOpen { body() }
    }
}

/// Asks until `condition` holds, for at most a minute.
func eventually(_ what: Comment, _ condition: () -> Bool) async throws {
    for _ in 0..<6000 {
        if condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("never happened: \(what)")
}
