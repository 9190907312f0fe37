import Glibc
import HTTP
import Loop
import Testing

@testable import RPC

/// A server that answers every connection with the same bytes, whatever it was asked.
final class ScriptedServer: @unchecked Sendable {
    let address: SocketAddress
    private let listener: Int32
    private let pool = ComputePool(threads: 1, name: "scripted")
    private let accepted = Lock<[Int32]>([])

    /// - Parameter keepsOpen: connections stay open after the script, until `stop`.
    init(_ script: [UInt8], keepsOpen: Bool) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let status = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, count) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, pointer, &count) == 0
            }
        }
        guard status else { throw LoopError(operation: "bind", number: errno) }
        address = .tcp(host: "127.0.0.1", port: Int(UInt16(bigEndian: name.sin_port)))
        try pool.start()
        Task { [self] in try await pool.run { self.serve(script, keepsOpen: keepsOpen) } }
    }

    private func serve(_ script: [UInt8], keepsOpen: Bool) {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            awaitRequest(client)
            _ = send(client, script, script.count, Int32(MSG_NOSIGNAL))
            if keepsOpen { accepted.withLock { $0.append(client) } } else { close(client) }
        }
    }

    /// Reads until a request's head is there: what answers a stream that was not opened yet is another mistake.
    private func awaitRequest(_ client: Int32) {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !hasRequest(received) {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            received += buffer.prefix(count)
        }
    }

    private func hasRequest(_ bytes: [UInt8]) -> Bool {
        guard bytes.starts(with: Array("PRI ".utf8)) else {
            return String(decoding: bytes, as: UTF8.self).contains("\r\n\r\n")
        }
        // Behind the preface of 24 bytes come frames; HEADERS is type 1.
        var start = 24
        while start + 9 <= bytes.count {
            if bytes[start + 3] == 1 { return true }
            start += 9 + Int(bytes[start]) << 16 + Int(bytes[start + 1]) << 8 + Int(bytes[start + 2])
        }
        return false
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        pool.stop()
        close(listener)
        for client in accepted.withLock({ $0 }) { close(client) }
    }
}

/// An HTTP/2 frame.
private func frame(_ type: UInt8, _ flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    [UInt8(payload.count >> 16 & 255), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255)]
        + [type, flags, 0, 0, 0, stream] + payload
}

@Suite("Servers that misbehave", .timeLimit(.minutes(1)))
struct ClientHostileServerTests {
    private static let settings = frame(4)
    /// `:status: 200` and `content-type: application/grpc`, in HPACK without compression.
    private static let head: [UInt8] = {
        let type = Array("application/grpc".utf8)
        return [0x88, 0x0f, 0x10, UInt8(type.count)] + type
    }()

    static let scripts: [(name: String, bytes: [UInt8], codes: Set<RPCCode>)] = [
        ("nothing", [], [.unavailable]),
        ("an HTTP/1 response", Array("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".utf8), [.unavailable]),
        ("noise", (0..<500).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }, [.unavailable]),
        ("half a frame", Array(settings.prefix(5)), [.unavailable]),
        ("a frame larger than was allowed", settings + [0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1], [.unavailable]),
        ("a head that is no HPACK", settings + frame(1, 4, stream: 1, [0xff, 0xff, 0xff, 0xff, 0xff]), [.unavailable]),
        ("data before the head", settings + frame(0, 0, stream: 1, [1, 2, 3]), [.unavailable, .internal]),
        ("a head without a status", settings + frame(1, 5, stream: 1, []), [.unavailable, .internal]),
        ("a head and no status", settings + frame(1, 5, stream: 1, head), [.internal]),
        (
            "a message that lies about its length, then the end",
            settings + frame(1, 4, stream: 1, head) + frame(0, 1, stream: 1, [0, 0, 0, 0, 9, 1]), [.internal]
        ),
        ("a reset", settings + frame(3, stream: 1, [0, 0, 0, 2]), [.internal]),
        ("a reset as if by us", settings + frame(3, stream: 1, [0, 0, 0, 8]), [.cancelled]),
        ("a request to be calm", settings + frame(3, stream: 1, [0, 0, 0, 11]), [.resourceExhausted]),
        ("a refusal of every stream", settings + frame(3, stream: 1, [0, 0, 0, 7]), [.unavailable]),
        ("a farewell to every stream", settings + frame(7, 0, [0, 0, 0, 0, 0, 0, 0, 0]), [.unavailable]),
    ]

    @Test("the call fails with a status, neither crash nor hang", arguments: 0..<scripts.count, [false, true])
    func scripted(_ index: Int, _ keepsOpen: Bool) async throws {
        let script = ClientHostileServerTests.scripts[index]
        let server = try ScriptedServer(script.bytes, keepsOpen: keepsOpen)
        let loops = try LoopGroup(count: 1)
        try loops.start()
        var configuration = ChannelConfiguration()
        configuration.limits.keepaliveInterval = .seconds(3)
        configuration.limits.keepaliveTimeout = .seconds(3)
        configuration.retry = .never
        let channel = NetworkChannel(server.address, loops: loops, configuration: configuration)
        let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
        #expect(error.map { script.codes.contains($0.code) } == true, "\(script.name): \(error.debugDescription)")
        await channel.close(grace: .zero)
        #expect(channel.statistics.openConnections == 0)
        loops.stop()
        server.stop()
    }

    @Test("a server that takes no streams leaves calls waiting until their deadline")
    func noStreams() async throws {
        let server = try ScriptedServer(frame(4, 0, [0, 3, 0, 0, 0, 0]), keepsOpen: true)
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let channel = NetworkChannel(server.address, loops: loops)
        let error = await failure {
            _ = try await channel.unary(Probe.echo, text("x"), options: CallOptions(timeout: .milliseconds(300)))
        }
        #expect(error?.code == .deadlineExceeded)
        await channel.close(grace: .zero)
        loops.stop()
        server.stop()
    }

    @Test(
        "over HTTP/1.1 too the call fails with a status",
        arguments: [
            "", "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-type: application/proto\r\ncontent-length: 9\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ncontent-type: application/proto\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi",
            "HTTP/1.1 503 Later\r\ncontent-length: 0\r\n\r\n",
        ])
    func http1(_ script: String) async throws {
        let server = try ScriptedServer(Array(script.utf8), keepsOpen: false)
        let loops = try LoopGroup(count: 1)
        try loops.start()
        var configuration = Manner.connectHTTP1.configuration
        configuration.retry = .never
        let channel = NetworkChannel(server.address, loops: loops, configuration: configuration)
        let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
        #expect(error.map { [.unavailable, .unknown, .internal].contains($0.code) } == true)
        await channel.close(grace: .zero)
        loops.stop()
        server.stop()
    }
}
