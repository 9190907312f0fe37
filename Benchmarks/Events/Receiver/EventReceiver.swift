import Glibc
import HTTP
import Loop

/// A receiver that does next to nothing with what it gets, so that the sender is what is measured.
///
///     OPTIONS  consents
///     POST     takes events
///     GET /    requests, events and different events so far
///     GET /arrivals   when each event came first: its number and microseconds since 1970, a line each
///     DELETE   forgets all that
///
/// Confined to the one loop that it serves on.
final class EventReceiver: HTTPServerHandler, @unchecked Sendable {
    private var requests = 0
    private var events = 0
    private var firstArrivals: [Int64: Int64] = [:]
    /// How every event of ours begins: the number follows.
    fileprivate static let beginning = Array("{\"specversion\":\"1.0\",\"id\":\"".utf8)

    static func serve(on loops: LoopGroup) async throws -> HTTPServer {
        let server = HTTPServer(
            endpoints: [HTTPServer.Endpoint(.tcp(host: "127.0.0.1", port: 0))], loops: loops,
            handler: EventReceiver())
        try await server.start()
        return server
    }

    func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        switch stream.request.method {
        case .post: return Delivery(self, stream)
        case .get:
            let isList = stream.request.path.hasSuffix("arrivals")
            answer(stream, isList ? arrivals : "\(requests) \(events) \(firstArrivals.count)\n")
        case .delete:
            (requests, events, firstArrivals) = (0, 0, [:])
            answer(stream, "")
        default: answer(stream, "", ["webhook-allowed-origin": "*"])
        }
        return Ignoring()
    }

    private var arrivals: String {
        firstArrivals.map { "\($0.key) \($0.value)" }.joined(separator: "\n")
    }

    private func answer(_ stream: HTTPStream, _ text: String, _ fields: HeaderFields = [:]) {
        stream.send(ResponseHead(status: 200, fields: fields))
        stream.send(Array(text.utf8)[...])
        stream.finish()
    }

    /// - Parameter number: of the event that headers tell of.
    fileprivate func took(_ body: UnsafeRawBufferPointer, number: Int64?) {
        requests += 1
        let now = BenchEvents.now()
        if let number {
            events += 1
            if firstArrivals[number] == nil { firstArrivals[number] = now }
            return
        }
        var rest = body
        while let number = EventReceiver.nextNumber(&rest) {
            events += 1
            if firstArrivals[number] == nil { firstArrivals[number] = now }
        }
    }

    /// The number of the next event, and what comes after it.
    private static func nextNumber(_ bytes: inout UnsafeRawBufferPointer) -> Int64? {
        while true {
            guard let start = bytes.baseAddress, let brace = memchr(start, 0x7b, bytes.count) else { return nil }
            bytes = UnsafeRawBufferPointer(rebasing: bytes[(UnsafeRawPointer(brace) - start)...])
            guard bytes.count > beginning.count else { return nil }
            let isEvent = memcmp(brace, beginning, beginning.count) == 0
            bytes = UnsafeRawBufferPointer(rebasing: bytes[(isEvent ? beginning.count : 1)...])
            if isEvent { break }
        }
        var number: Int64 = 0
        for byte in bytes {
            guard (0x30...0x39).contains(byte) else { break }
            number = number &* 10 &+ Int64(byte - 0x30)
        }
        return number
    }
}

/// A request that brings events.
private final class Delivery: HTTPStreamReceiver {
    private let owner: EventReceiver
    private let stream: HTTPStream
    private var body: [UInt8] = []

    init(_ owner: EventReceiver, _ stream: HTTPStream) {
        self.owner = owner
        self.stream = stream
    }

    func received(body bytes: UnsafeRawBufferPointer) {
        body.append(contentsOf: bytes)
        stream.consumed(bytes.count)
    }

    func receivedEnd(trailers: HeaderFields?) {
        let number = stream.request.fields.text("ce-id").flatMap { Int64($0) }
        body.withUnsafeBytes { owner.took($0, number: number) }
        stream.send(ResponseHead(status: 204), end: true)
    }

    func closed(_ closure: StreamClosure) {}
}

private final class Ignoring: HTTPStreamReceiver {
    func received(body: UnsafeRawBufferPointer) {}
    func receivedEnd(trailers: HeaderFields?) {}
    func closed(_ closure: StreamClosure) {}
}
