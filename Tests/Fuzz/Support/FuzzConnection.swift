import Glibc

@testable import HTTP
@testable import Loop

/// A server's connection over one end of a socket pair, on a loop that never runs: the fuzzer calls what the loop would.
final class FuzzConnection {
    private static let loop: EventLoop = {
        signal(SIGPIPE, SIG_IGN)
        guard let loop = try? EventLoop(name: "fuzz") else { preconditionFailure("no loop") }
        return loop
    }()

    private let connection: Connection
    private let peer: Int32
    private var scratch = [UInt8](repeating: 0, count: 64 * 1024)

    init?(_ makeDriver: @escaping (Connection) -> any ConnectionDriver) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0 else {
            return nil
        }
        peer = ends[1]
        connection = Connection(
            descriptor: ends[0], loop: FuzzConnection.loop, peer: PeerIdentity(address: "fuzz"), tls: nil,
            isConnecting: false
        ) { connection, _ in makeDriver(connection) }
        connection.start(timeout: .seconds(10))
    }

    /// Gives the driver what it would have read, and takes its answers away.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard !connection.isClosed, let driver = connection.driver, driver.wantsInput else { return }
        driver.received(bytes)
        turn()
    }

    /// The peer's end, then the connection's.
    func end() {
        if !connection.isClosed, let driver = connection.driver, !driver.receivedEnd() { connection.close("over") }
        turn()
        connection.close("over")
        turn()
        close(peer)
    }

    private func turn() {
        for _ in 0..<4 {
            FuzzConnection.loop.flushDirty()
            while read(peer, &scratch, scratch.count) > 0 {}
        }
        FuzzConnection.loop.againChannels.removeAll()
    }
}

/// Sends back what it gets, or refuses, or says nothing, as the path wants.
final class FuzzHandler: HTTPServerHandler {
    static let shared = FuzzHandler()

    func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        let receiver = FuzzReceiver(stream)
        switch stream.request.path.utf8.count % 4 {
        case 0: stream.send(ResponseHead(status: 204), end: true)
        case 1: stream.send(ResponseHead(status: 200, fields: ["content-length": "4"]))
        case 2: stream.send(ResponseHead(status: 200))
        default: break
        }
        return receiver
    }
}

private final class FuzzReceiver: HTTPStreamReceiver {
    private let stream: HTTPStream
    private var isOver = false

    init(_ stream: HTTPStream) { self.stream = stream }

    func received(body: UnsafeRawBufferPointer) {
        precondition(!isOver && !stream.isInputEnded, "bytes after the end")
        stream.send(ArraySlice(body))
        stream.consumed(body.count)
        if body.first == 0x21 { stream.reset(.cancel) }
    }

    func receivedEnd(trailers: HeaderFields?) {
        precondition(!isOver, "an end after the close")
        stream.send(ResponseHead(status: 200))
        stream.finish(trailers: trailers)
    }

    func closed(_ closure: StreamClosure) {
        precondition(!isOver, "closed twice")
        isOver = true
    }
}
