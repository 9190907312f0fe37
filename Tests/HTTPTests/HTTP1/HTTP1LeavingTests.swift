import Glibc
import Loop
import Testing

@testable import HTTP

@Suite("An HTTP/1 caller that leaves while its request is answered", .serialized)
struct HTTP1LeavingTests {
    /// A handler that answers when it is told to, and says whether it was cancelled.
    private final class Work: Sendable {
        let begun = Lock(0)
        let cancelled = Lock(0)
        let mayAnswer = Lock(false)

        var handler: AsyncHandler {
            AsyncHandler { [self] request, responder in
                begun.withLock { $0 += 1 }
                do {
                    while !mayAnswer.withLock({ $0 }) { try await responder.bridge.loop.sleep(for: .milliseconds(2)) }
                } catch {
                    cancelled.withLock { $0 += 1 }
                    throw error
                }
                try await responder.respond(200, [:], Array("done".utf8))
            }
        }
    }

    enum Habit: String, CaseIterable { case waits, endsFirst, sendsMore, leavesBody }

    private func send(_ habit: Habit, _ client: RawClient) {
        switch habit {
        case .waits: client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        case .endsFirst:
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.finish()
        // Reading stops while the next request waits.
        case .sendsMore:
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        // And while nobody takes the body.
        case .leavesBody:
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
            client.send([UInt8](repeating: 1, count: 100_000))
        }
    }

    @Test("a reset cancels the handler, whatever went before it", arguments: Habit.allCases)
    func reset(_ habit: Habit) async throws {
        var limits = HTTPLimits()
        limits.streamWindowBytes = 64 * 1024
        let work = Work()
        try await withServer(handler: work.handler, limits) { server, address in
            var client: RawClient? = try RawClient(address)
            client.map { send(habit, $0) }
            try await eventually("the handler is at work") { work.begun.withLock { $0 } == 1 }
            client?.resetsOnClose()
            client = nil
            try await eventually("it is cancelled") { work.cancelled.withLock { $0 } == 1 }
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
            #expect(work.begun.withLock { $0 } == 1)
        }
    }

    @Test("closing a unix socket cancels the handler")
    func unix() async throws {
        let work = Work()
        try await withServer(handler: work.handler, unix: true) { server, address in
            var client: RawClient? = try RawClient(address)
            client.map { send(.waits, $0) }
            try await eventually("the handler is at work") { work.begun.withLock { $0 } == 1 }
            client = nil
            try await eventually("it is cancelled") { work.cancelled.withLock { $0 } == 1 }
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
        }
    }

    @Test("who only says that it sends no more gets its answer", arguments: [false, true])
    func halfClosed(_ unix: Bool) async throws {
        let work = Work()
        try await withServer(handler: work.handler, unix: unix) { server, address in
            let client = try RawClient(address)
            send(.endsFirst, client)
            try await eventually("the handler is at work") { work.begun.withLock { $0 } == 1 }
            // Many turns of the loop, in each of which the end could be taken for a farewell.
            for _ in 0..<20 { try await server.loops.loops[0].submit {} }
            work.mayAnswer.withLock { $0 = true }
            let answer = try #require(client.receiveAll())
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("done"))
            #expect(work.cancelled.withLock { $0 } == 0)
        }
    }

    @Test("a client of ours that gives its exchange up cancels the handler", arguments: [Transport.http1, .http1TLS])
    func ownClient(_ transport: Transport) async throws {
        let work = Work()
        let tls = transport.isTLS ? try Certificates.shared.server() : nil
        try await withServer(handler: work.handler, tls: tls) { server, address in
            let own = transport.isTLS ? try Certificates.shared.client(protocols: ["http/1.1"]) : nil
            try await withClient(.init(tls: own, wanted: .http11)) { client in
                let request = RequestHead(
                    method: .get, scheme: transport.isTLS ? "https" : "http", authority: "\(address)", path: "/")
                let call = Task { try await client.execute(request) { head, _ in head.status } }
                try await eventually("the handler is at work") { work.begun.withLock { $0 } == 1 }
                call.cancel()
                try await eventually("it is cancelled") { work.cancelled.withLock { $0 } == 1 }
                await #expect(throws: CancellationError.self) { _ = try await call.value }
            }
        }
    }
}
