import Glibc
import HTTP
import Loop
import Synchronization

/// What the server answers to requests that are no calls: an echo for HTTP tools, and its own counters for leak checks.
final class PlainRoutes: HTTPServerHandler {
    private let counters: Lock<(@Sendable () async -> String)?> = Lock(nil)

    func serveCounters(_ body: @escaping @Sendable () async -> String) { counters.withLock { $0 = body } }

    func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        switch (stream.request.method, stream.request.path) {
        case (.get, "/echo"), (.head, "/echo"), (.get, "/"), (.head, "/"):
            PlainRoutes.answer(stream, 200, "text/plain", Array("echo\n".utf8))
        case (.post, "/echo"), (.put, "/echo"): return EchoReceiver(stream)
        case (.get, "/debug/counters"):
            if let body = counters.withLock({ $0 }) {
                Task(executorPreference: stream.loop) { [reply = Reply(stream)] in
                    PlainRoutes.answer(reply.stream, 200, "application/json", Array(await body().utf8))
                }
            }
        case (_, "/echo"), (_, "/debug/counters"):
            PlainRoutes.answer(stream, 405, "text/plain", Array("use GET or POST\n".utf8), ["allow": "GET, POST"])
        default:
            let text = #"{"code":"not_found","message":"there is nothing here; try /echo"}"#
            PlainRoutes.answer(stream, 404, "application/json", Array(text.utf8))
        }
        return EchoReceiver.deaf(stream)
    }

    static func answer(
        _ stream: HTTPStream, _ status: Int, _ type: String, _ body: [UInt8], _ more: HeaderFields = [:]
    ) {
        var fields: HeaderFields = ["content-type": type, "content-length": "\(body.count)"]
        for (name, value) in more { fields.add(name, value) }
        stream.send(ResponseHead(status: status, fields: fields))
        if stream.request.method != .head { stream.send(body[...]) }
        stream.finish()
    }

    /// Carries a stream into a task that runs on the stream's own loop.
    private struct Reply: @unchecked Sendable {
        let stream: HTTPStream
        init(_ stream: HTTPStream) { self.stream = stream }
    }
}

/// Sends a body back as it comes.
private final class EchoReceiver: HTTPStreamReceiver {
    private var stream: HTTPStream?
    private let isDeaf: Bool
    private var withheld = 0

    init(_ stream: HTTPStream) {
        self.stream = stream
        isDeaf = false
        var fields: HeaderFields = ["content-type": stream.request.fields["content-type"] ?? "application/octet-stream"]
        if let length = stream.request.fields["content-length"] { fields.add("content-length", length) }
        stream.send(ResponseHead(status: 200, fields: fields))
    }

    private init(deaf stream: HTTPStream) {
        self.stream = stream
        isDeaf = true
    }

    static func deaf(_ stream: HTTPStream) -> EchoReceiver { EchoReceiver(deaf: stream) }

    func received(body: UnsafeRawBufferPointer) {
        guard let stream else { return }
        if isDeaf { return stream.consumed(body.count) }
        stream.send(Array(body)[...])
        // The sender's window opens only as its bytes go out again.
        if stream.isWritable { stream.consumed(body.count) } else { withheld += body.count }
    }

    func outputDrained() {
        stream?.consumed(withheld)
        withheld = 0
    }

    func receivedEnd(trailers: HeaderFields?) { if !isDeaf { stream?.finish() } }

    func closed(_ closure: StreamClosure) { stream = nil }
}
