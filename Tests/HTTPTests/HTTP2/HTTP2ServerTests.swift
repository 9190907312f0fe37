import Glibc
import Loop
import Testing

@testable import HTTP

/// HTTP/2 by hand, frame by frame.
private final class FrameClient {
    struct Frame { var type: UInt8, flags: UInt8, stream: Int, payload: [UInt8] }

    let socket: RawClient
    private var bytes: [UInt8] = []

    init(_ address: SocketAddress, settings: Bool = true) throws {
        socket = try RawClient(address)
        socket.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        if settings { socket.send(FrameClient.frame(4, 0, 0, [])) }
    }

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
            + [UInt8(stream >> 24 & 127), UInt8(stream >> 16 & 255), UInt8(stream >> 8 & 255), UInt8(stream & 255)]
            + payload
    }

    /// A literal field that is not indexed.
    static func field(_ name: String, _ value: String) -> [UInt8] { [0] + string(name) + string(value) }

    private static func string(_ text: String) -> [UInt8] {
        var count = text.utf8.count
        var prefix: [UInt8] = []
        if count < 127 {
            prefix = [UInt8(count)]
        } else {
            prefix = [127]
            count -= 127
            while count >= 128 {
                prefix.append(UInt8(count & 127 | 128))
                count >>= 7
            }
            prefix.append(UInt8(count))
        }
        return prefix + Array(text.utf8)
    }

    static func request(_ stream: Int, _ path: String, end: Bool = true, more: [UInt8] = []) -> [UInt8] {
        let fields =
            field(":method", "GET") + field(":scheme", "http") + field(":path", path) + field(":authority", "a") + more
        return frame(1, end ? 5 : 4, stream, fields)
    }

    /// The next frame; nil at the end.
    func next() -> Frame? {
        while true {
            if bytes.count >= 9 {
                let count = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
                if bytes.count >= 9 + count {
                    let stream = Int(bytes[5]) << 24 | Int(bytes[6]) << 16 | Int(bytes[7]) << 8 | Int(bytes[8])
                    defer { bytes.removeFirst(9 + count) }
                    return Frame(
                        type: bytes[3], flags: bytes[4], stream: stream, payload: Array(bytes[9..<(9 + count)]))
                }
            }
            guard let more = socket.receive(), !more.isEmpty else { return nil }
            bytes += more
        }
    }

    /// The error code of the GOAWAY that ends the connection.
    func goAwayCode() -> UInt8? {
        var code: UInt8?
        while let frame = next() { if frame.type == 7 { code = frame.payload[7] } }
        return code
    }
}

@Suite("An HTTP/2 server against peers that cost more than they bring", .serialized)
struct HTTP2CostTests {
    /// What makes a stream end before its answer: the frame that follows its request.
    private static let endings: [[UInt8]] = [
        // RST_STREAM with CANCEL, and with a code that claims that nothing is wrong.
        FrameClient.frame(3, 0, 1, [0, 0, 0, 8]), FrameClient.frame(3, 0, 1, [0, 0, 0, 0]),
        // A window that overflows: the server has to reset the stream itself.
        FrameClient.frame(8, 0, 1, [127, 255, 255, 255]),
    ]

    @Test("streams that never come to their answer end the connection, whoever resets them", arguments: endings)
    func rapidReset(_ ending: [UInt8]) async throws {
        try await withServer { server, address, handler in
            let client = try FrameClient(address)
            var bytes: [UInt8] = []
            for number in 0..<5000 {
                let stream = number * 2 + 1
                bytes += FrameClient.request(stream, "/late?60000")
                bytes += FrameClient.frame(ending[3], 0, stream, Array(ending[9...]))
            }
            client.socket.send(bytes)
            #expect(client.goAwayCode() == 11)
            #expect(handler.served.withLock { $0 } < 1200)
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
        }
    }

    @Test("streams over the limit are refused a while and then end the connection")
    func refusedStreams() async throws {
        try await withServer { server, address, handler in
            let client = try FrameClient(address)
            var bytes: [UInt8] = []
            for number in 0..<50_000 { bytes += FrameClient.request(number * 2 + 1, "/silent") }
            client.socket.send(bytes)
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
            #expect(handler.served.withLock { $0 } == server.limits.concurrentStreams)
        }
    }

    @Test("fields that nghttp2 does not send end their stream", arguments: ["/huge-head", "/huge-trailers"])
    func hugeFields(_ path: String) async throws {
        try await withServer { server, address, _ in
            let client = try FrameClient(address)
            client.socket.send(FrameClient.request(1, path))
            while let frame = client.next() {
                guard frame.type == 3 else { continue }
                #expect(frame.stream == 1 && frame.payload == [0, 0, 0, 2])
                break
            }
            #expect(server.statistics.openStreams == 0)
            client.socket.send(FrameClient.request(3, "/hello"))
            while let frame = client.next(), frame.stream != 3 || frame.flags & 1 == 0 {}
        }
    }

    @Test("a peer that reads nothing of what it asked for is given up")
    func unreadOutput() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, handler in
            let client = try FrameClient(address)
            client.socket.send(FrameClient.frame(4, 0, 0, [0, 4, 127, 255, 255, 255]))
            client.socket.send(FrameClient.frame(8, 0, 0, [127, 255, 0, 0]))
            client.socket.send(FrameClient.request(1, "/stream?1000000000"))
            var poured = -1
            try await eventually("the sockets are full") {
                defer { poured = handler.poured.withLock { $0 } }
                usleep(20_000)
                return poured > 0 && poured == handler.poured.withLock { $0 }
            }
            #expect(server.statistics.openConnections == 1)
            #expect(poured < 100_000_000, "what the sockets do not take stays with the receiver")
            clock.advance(by: .seconds(31))
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
        }
    }

    @Test("a body that stands still is given up where its receiver waits for all of it, and only there")
    func stalledBody() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, handler in
            let client = try FrameClient(address)
            for (stream, path) in [(1, "/size"), (3, "/echo"), (5, "/size")] {
                client.socket.send(FrameClient.request(stream, path, end: false))
                client.socket.send(FrameClient.frame(0, 0, stream, [1, 2, 3]))
            }
            try await eventually("the bodies have begun") { handler.received.withLock { $0 } == 9 }
            clock.advance(by: .seconds(20))
            client.socket.send(FrameClient.frame(0, 0, 5, [4]))
            try await eventually("one goes on") { handler.received.withLock { $0 } == 10 }
            clock.advance(by: .seconds(11))
            while let frame = client.next() {
                guard frame.type == 3 else { continue }
                #expect(frame.stream == 1 && frame.payload == [0, 0, 0, 8])
                break
            }
            clock.advance(by: .seconds(20))
            while let frame = client.next() {
                guard frame.type == 3 else { continue }
                #expect(frame.stream == 5)
                break
            }
            #expect(server.statistics.openStreams == 1)
            client.socket.send(FrameClient.frame(0, 1, 3, [4]))
            while let frame = client.next(), frame.stream != 3 || frame.flags & 1 == 0 {}
        }
    }

    @Test("receivers that take nothing stop the connection before their windows add up")
    func unreadBodies() async throws {
        var limits = HTTPLimits()
        limits.connectionUnreadBytes = 100_000
        limits.connectionWindowBytes = 200_000
        try await withServer(limits) { server, address, handler in
            let client = try FrameClient(address)
            let piece = [UInt8](repeating: 7, count: 10_000)
            for stream in stride(from: 1, to: 41, by: 2) {
                client.socket.send(FrameClient.request(stream, "/keep", end: false))
                for _ in 0..<5 { client.socket.send(FrameClient.frame(0, 0, stream, piece)) }
            }
            // A million bytes in all, sent without a look at the window.
            #expect(client.goAwayCode() == 3)
            #expect(handler.received.withLock { $0 } <= 300_000)
        }
    }
}

@Suite("An HTTP/2 server on a real socket", .serialized)
struct HTTP2ServerTests {
    @Test("streams that are opened and reset by the thousand end the connection with ENHANCE_YOUR_CALM")
    func rapidReset() async throws {
        try await withServer { server, address, handler in
            let client = try FrameClient(address)
            var bytes: [UInt8] = []
            for number in 0..<5000 {
                bytes += FrameClient.request(number * 2 + 1, "/late?60000")
                bytes += FrameClient.frame(3, 0, number * 2 + 1, [0, 0, 0, 8])
            }
            client.socket.send(bytes)
            #expect(client.goAwayCode() == 11)
            #expect(handler.served.withLock { $0 } < 1200)
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
        }
    }

    @Test("pings, settings and empty frames without work end the connection", arguments: [6, 4, 0] as [UInt8])
    func controlFlood(_ type: UInt8) async throws {
        try await withServer { server, address, _ in
            let client = try FrameClient(address)
            let payload = [UInt8](repeating: 0, count: type == 6 ? 8 : 0)
            client.socket.send(FrameClient.request(1, "/silent", end: false))
            var bytes: [UInt8] = []
            for _ in 0..<20_000 { bytes += FrameClient.frame(type, 0, type == 0 ? 1 : 0, payload) }
            client.socket.send(bytes)
            _ = client.goAwayCode()
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
        }
    }

    @Test("header blocks without an end are not collected for ever")
    func continuationFlood() async throws {
        try await withServer { server, address, handler in
            let client = try FrameClient(address)
            client.socket.send(FrameClient.frame(1, 1, 1, FrameClient.field(":method", "GET")))
            let filler = FrameClient.field("x", String(repeating: "y", count: 1000))
            for _ in 0..<5000 { if client.socket.send(FrameClient.frame(9, 0, 1, filler)) == 0 { break } }
            _ = client.goAwayCode()
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
            #expect(handler.served.withLock { $0 } == 0)
        }
    }

    @Test("header fields over the limit are a 431 and the connection lives on")
    func headerLimit() async throws {
        var limits = HTTPLimits()
        limits.headerBytes = 2000
        try await withServer(limits) { server, address, handler in
            let client = try FrameClient(address)
            let long = FrameClient.field("x-long", String(repeating: "x", count: 3000))
            client.socket.send(FrameClient.request(1, "/hello", more: long))
            client.socket.send(FrameClient.request(3, "/hello"))
            var texts: [Int: String] = [:]
            while texts[1] == nil || texts[3] == nil, let frame = client.next() {
                if frame.type == 0 { texts[frame.stream] = String(decoding: frame.payload, as: UTF8.self) }
            }
            #expect(texts[1]?.contains("2000 bytes") == true)
            #expect(texts[3] == "hello")
            #expect(handler.served.withLock { $0 } == 1)
        }
    }

    @Test("a client that knows the limit does not send what is over it, and its connection lives on")
    func ownHeaderLimit() async throws {
        var limits = HTTPLimits()
        limits.headerBytes = 2000
        try await withServer(limits) { server, address, handler in
            let connection = try await TestConnection.connect(address, on: server.loops.loops[0], wanted: .http2)
            _ = try await connection.get("/hello")
            var request = RequestHead.test("/hello")
            request.fields.add("x-long", String(repeating: "x", count: 3000))
            let size = 3000 + "x-long:methodGET:schemehttp:path/hello:authoritylocalhost".utf8.count + 5 * 32
            await #expect(throws: HTTPExchangeError.closed(.headTooLarge(size: size, limit: 2000))) {
                _ = try await TestAnswer(connection.exchange(request))
            }
            request = RequestHead.test("/hello")
            request.fields.add("x-long", String(repeating: "x", count: 3000 - (size - 2000)))
            let answer = try await TestAnswer(connection.exchange(request))
            #expect(answer.head.status == 200, "a head that just fits goes out and is taken")
            #expect(handler.served.withLock { $0 } == 2)
            try await connection.close()
        }
    }

    @Test(
        "what is no HTTP/2 ends the connection",
        arguments: [
            [UInt8]("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense and more of it".utf8),
            [UInt8]("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".utf8),
            [UInt8]("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 4, 1, 5, 0, 0, 0, 1, 255, 255, 255, 255],
            [UInt8]("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [255, 255, 255, 4, 0, 0, 0, 0, 0],
        ])
    func garbage(_ bytes: [UInt8]) async throws {
        try await withServer { server, address, _ in
            let client = try RawClient(address)
            client.send(bytes)
            while let more = client.receive(), !more.isEmpty {}
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
        }
    }

    @Test("draining says GOAWAY, finishes what is under way and loses no request that crosses it")
    func drain() async throws {
        try await withServer { server, address, handler in
            let client = try FrameClient(address)
            client.socket.send(FrameClient.request(1, "/late?100"))
            try await eventually("the request is there") { handler.open.withLock { $0 } == 1 }
            let stopping = Task { await server.shutdown(grace: .seconds(5)) }
            var lastIdentifiers: [[UInt8]] = []
            var ended: Set<Int> = []
            while let frame = client.next() {
                if frame.type == 7 {
                    #expect(frame.payload[4...] == [0, 0, 0, 0])
                    lastIdentifiers.append(Array(frame.payload[..<4]))
                    // Sent before the first notice could be read, as far as the server can tell.
                    if lastIdentifiers.count == 1 { client.socket.send(FrameClient.request(3, "/hello")) }
                }
                if frame.type == 0, frame.flags & 1 != 0 { ended.insert(frame.stream) }
            }
            #expect(lastIdentifiers == [[127, 255, 255, 255], [0, 0, 0, 3]])
            #expect(ended == [1, 3])
            await stopping.value
        }
    }

    @Test("a client that hears of the end opens no more streams and hears the rest of those it has")
    func clientDrain() async throws {
        try await withServer { server, address, handler in
            let connection = try await TestConnection.connect(address, on: server.loops.loops[0], wanted: .http2)
            let first = try await connection.exchange(.test("/late?50"))
            try await eventually("the request is there") { handler.open.withLock { $0 } == 1 }
            let stopping = Task { await server.shutdown(grace: .seconds(5)) }
            let late = try await TestAnswer(first)
            #expect(late.text == "late")
            await #expect(throws: HTTPExchangeError.self) { try await connection.get("/hello") }
            await stopping.value
        }
    }

    @Test("a peer that gives no sign of life is given up, one that answers pings is not")
    func keepalive() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, _ in
            let dead = try FrameClient(address)
            dead.socket.send(FrameClient.request(1, "/hello"))
            while let frame = dead.next(), frame.type != 0 {}
            let living = try await TestConnection.connect(address, on: server.loops.loops[0], wanted: .http2)
            _ = try await living.get("/hello")
            #expect(server.statistics.openConnections == 2)
            clock.advance(by: .seconds(61))
            while let frame = dead.next(), frame.type != 6 {}
            let answer = try await living.get("/hello")
            #expect(answer.text == "hello")
            clock.advance(by: .seconds(21))
            try await eventually("the dead one goes") { server.statistics.openConnections == 1 }
            let again = try await living.get("/hello")
            #expect(again.text == "hello")
            try await living.close()
        }
    }
}
