import Loop

@testable import HTTP

/// A handler with one path for each habit of a real one.
final class DemoHandler: HTTPServerHandler {
    /// The streams' receivers that did not hear `closed` yet.
    let open = Lock(0)
    let served = Lock(0)
    /// Body bytes that came, and that were sent by `/stream`.
    let received = Lock(0)
    let poured = Lock(0)

    func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        open.withLock { $0 += 1 }
        served.withLock { $0 += 1 }
        let receiver = DemoReceiver(stream, self)
        receiver.begin()
        return receiver
    }
}

final class DemoReceiver: HTTPStreamReceiver {
    private unowned let handler: DemoHandler
    private let stream: HTTPStream
    private let path: String
    private var received = 0
    private var left = 0
    private var owed = 0
    private var isAnswered = false

    init(_ stream: HTTPStream, _ handler: DemoHandler) {
        self.stream = stream
        self.handler = handler
        path = stream.request.path
    }

    private var huge: String { String(repeating: "x", count: 100_000) }
    private var number: Int { Int(stream.request.query ?? "") ?? 0 }

    func begin() {
        switch path {
        case "/hello": answer("hello")
        case "/length":
            stream.send(ResponseHead(status: 200, fields: ["content-length": "5"]))
            stream.send(ArraySlice("hello".utf8))
            stream.finish()
        case "/empty": stream.send(ResponseHead(status: 204), end: true)
        case "/refuse": answer("no", status: 413)
        case "/target": answer("\(stream.request.scheme) \(stream.request.authority) \(stream.request.target)")
        case "/peer":
            let certificate = stream.peer.certificate
            answer("\(stream.peer.isEncrypted) \(certificate?.commonName ?? "-") \(certificate?.uris.first ?? "-")")
        case "/context": answer(stream.peer.contextName ?? "-")
        case "/stream":
            stream.send(ResponseHead(status: 200))
            left = number
            if left == 0 { stream.finish() } else { pour() }
        case "/trailers":
            stream.send(ResponseHead(status: 200))
            stream.send(ArraySlice("body".utf8))
            stream.finish(trailers: ["x-sum": "4"])
        case "/reset":
            stream.send(ResponseHead(status: 200))
            stream.send(ArraySlice("part".utf8))
            let stream = self.stream
            stream.loop.schedule(after: .milliseconds(5)) { stream.reset(.internalError) }
        case "/late":
            let duration = Duration.milliseconds(number)
            stream.loop.schedule(after: duration) { [self] in answer("late") }
        case "/short":
            stream.send(ResponseHead(status: 200, fields: ["content-length": "10"]))
            stream.send(ArraySlice("half".utf8))
            stream.finish()
        case "/echo": stream.send(ResponseHead(status: 200))
        case "/size": stream.expectsSteadyBody = true
        case "/huge-head": stream.send(ResponseHead(status: 200, fields: ["x-huge": huge]), end: true)
        case "/huge-trailers":
            stream.send(ResponseHead(status: 200))
            stream.finish(trailers: ["x-huge": huge])
        case "/keep", "/silent": break
        default: answer("unknown", status: 404)
        }
    }

    private func answer(_ text: String, status: Int = 200) {
        isAnswered = true
        stream.send(ResponseHead(status: status, fields: ["content-type": "text/plain"]))
        stream.send(ArraySlice(text.utf8))
        stream.finish()
    }

    private static let block = ArraySlice([UInt8](repeating: UInt8(ascii: "x"), count: 32 * 1024))

    private func pour() {
        while left > 0, stream.isWritable {
            let count = min(left, DemoReceiver.block.count)
            left -= count
            handler.poured.withLock { $0 += count }
            stream.send(DemoReceiver.block.prefix(count))
        }
        if left == 0 { stream.finish() }
    }

    func received(body: UnsafeRawBufferPointer) {
        received += body.count
        handler.received.withLock { $0 += body.count }
        switch path {
        case "/echo":
            stream.send(ArraySlice(body))
            if stream.isWritable { stream.consumed(body.count) } else { owed += body.count }
        case "/keep": break
        default: stream.consumed(body.count)
        }
    }

    func receivedEnd(trailers: HeaderFields?) {
        if path == "/size" { answer("\(received) \(trailers?["x-check"] ?? "-")") }
        if path == "/keep" { answer("\(received)") }
        if path == "/echo" { stream.finish(trailers: trailers) }
    }

    func outputDrained() {
        if path == "/stream" { pour() }
        let count = owed
        owed = 0
        stream.consumed(count)
    }

    func closed(_ closure: StreamClosure) { handler.open.withLock { $0 -= 1 } }
}
