import Loop
import Testing

@testable import HTTP

@Suite("Every transport behaves alike", .serialized)
struct TransportConformanceTests {
    @Test("a request without a body gets head, body and end", arguments: Transport.allCases)
    func simple(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, _ in
            for _ in 0..<3 {
                let answer = try await connection.get("/hello")
                #expect(answer.head.status == 200)
                #expect(answer.head.fields["content-type"] == "text/plain")
                #expect(answer.text == "hello")
                #expect(answer.trailers == nil)
            }
        }
    }

    @Test("the handler sees authority and target", arguments: Transport.allCases)
    func target(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, _ in
            let result1 = try await connection.get("/target?a=%20b")
            #expect(result1.text.hasSuffix(" localhost /target?a=%20b"))
        }
    }

    @Test("a request's body and trailers arrive whole", arguments: Transport.allCases, [0, 1, 70_000, 3_000_000])
    func upload(_ transport: Transport, _ count: Int) async throws {
        try await withTransport(transport) { connection, _ in
            let body = [UInt8](repeating: 7, count: count)
            let result2 = try await connection.post("/size", body)
            #expect(result2.text == "\(count) -")
            let result3 = try await connection.post("/size", body, trailers: ["x-check": "yes"])
            #expect(result3.text == "\(count) yes")
        }
    }

    @Test(
        "a response of any length and its trailers arrive whole", arguments: Transport.allCases,
        [0, 1, 70_000, 3_000_000])
    func download(_ transport: Transport, _ count: Int) async throws {
        try await withTransport(transport) { connection, _ in
            let result4 = try await connection.get("/stream?\(count)")
            #expect(result4.body.count == count)
            let answer = try await connection.get("/trailers")
            #expect(answer.text == "body" && answer.trailers == ["x-sum": "4"])
        }
    }

    @Test("bytes come back as they were sent, both ways at once", arguments: Transport.allCases)
    func echo(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, _ in
            let bridge = try await connection.exchange(.test("/echo", .post), end: false)
            let result5 = try await bridge.receiveHead()
            #expect(result5.status == 200)
            var sent: [UInt8] = []
            var back: [UInt8] = []
            for round in 0..<50 {
                let piece = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ round) }
                sent += piece
                try await bridge.send(ArraySlice(piece))
                while back.count < sent.count { back += try #require(try await bridge.receiveChunk()) }
            }
            try await bridge.perform { $0.finish(trailers: ["x-end": "1"]) }
            let last = try await bridge.receiveChunk()
            #expect(last == nil)
            #expect(back == sent)
        }
    }

    @Test("HEAD and 204 have no body", arguments: Transport.allCases)
    func bodiless(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, _ in
            for target in ["/length", "/stream?100000", "/hello"] {
                let answer = try await connection.get(target, .head)
                #expect(answer.head.status == 200 && answer.body.isEmpty)
            }
            let answer = try await connection.get("/empty")
            #expect(answer.head.status == 204 && answer.body.isEmpty)
        }
    }

    @Test("an answer may come before the request's end", arguments: Transport.allCases)
    func earlyAnswer(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, _ in
            let bridge = try await connection.exchange(.test("/refuse", .post), end: false)
            // The answer may have overtaken the body.
            try? await bridge.perform { $0.send(ArraySlice([UInt8](repeating: 1, count: 1000))) }
            let answer = try await TestAnswer(bridge)
            #expect(answer.head.status == 413 && answer.text == "no")
            try await connection.loop.submit { bridge.abandon() }
        }
    }

    @Test("a response that is given up is no complete response", arguments: Transport.allCases)
    func serverReset(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, _ in
            let bridge = try await connection.exchange(.test("/reset"))
            await #expect(throws: HTTPExchangeError.self) { _ = try await TestAnswer(bridge) }
        }
    }

    @Test("a request that is given up reaches the handler", arguments: Transport.allCases)
    func clientReset(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, handler in
            let bridge = try await connection.exchange(.test("/silent", .post), end: false)
            try await eventually("the handler has the request") { handler.open.withLock { $0 } == 1 }
            try await bridge.perform { $0.reset(.cancel) }
            try await eventually("the handler hears of it") { handler.open.withLock { $0 } == 0 }
        }
    }

    @Test("a receiver that gives nothing back gets no more than the window", arguments: Transport.allCases)
    func receiveWindow(_ transport: Transport) async throws {
        var limits = HTTPLimits()
        limits.streamWindowBytes = 100_000
        try await withTransport(transport, limits) { connection, handler in
            let bridge = try await connection.exchange(.test("/keep", .post), end: false)
            let upload = Task {
                let piece = ArraySlice([UInt8](repeating: 1, count: 10_000))
                for _ in 0..<2000 { try await bridge.send(piece) }
            }
            // Long enough for far more than the window to arrive, were it let in.
            try await Task.sleep(for: .milliseconds(150))
            #expect(handler.received.withLock { $0 } == 100_000)
            upload.cancel()
            try await bridge.loop.submit { bridge.abandon() }
            _ = await upload.result
        }
    }

    @Test("a sender ahead of its reader waits", arguments: Transport.allCases)
    func slowReader(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, handler in
            final class Idle: HTTPStreamReceiver {
                func received(body: UnsafeRawBufferPointer) {}
                func receivedEnd(trailers: HeaderFields?) {}
                func closed(_ closure: StreamClosure) {}
            }
            let loop = connection.loop
            try await loop.submit { _ = connection.open(.test("/stream?1000000000"), receiver: Idle(), end: true) }
            try await Task.sleep(for: .milliseconds(150))
            let poured = handler.poured.withLock { $0 }
            // The window, the socket's buffers on both sides, and what may be queued.
            #expect(poured > 1_000_000 && poured < 20_000_000)
        }
    }

    @Test("closing the connection ends its streams", arguments: Transport.allCases)
    func connectionLost(_ transport: Transport) async throws {
        try await withTransport(transport) { connection, handler in
            let bridge = try await connection.exchange(.test("/silent", .post), end: false)
            try await eventually("the handler has the request") { handler.open.withLock { $0 } == 1 }
            try await connection.close()
            await #expect(throws: HTTPExchangeError.self) { _ = try await bridge.receiveHead() }
            try await eventually("the handler hears of it") { handler.open.withLock { $0 } == 0 }
        }
    }
}
