import CLinux
import Glibc
import Loop
import Testing

@testable import HTTP

/// Negotiates whatever is offered and then says nothing.
private final class QuietDriver: ConnectionDriver {
    let heard: Lock<Int>
    init(_ heard: Lock<Int>) { self.heard = heard }

    func started() {}
    func received(_ bytes: UnsafeRawBufferPointer) { heard.withLock { $0 += bytes.count } }
    func receivedEnd() -> Bool { false }
    func fillOutput() {}
    var isFinished: Bool { false }
    var wantsInput: Bool { true }
    func drain() {}
    func connectionClosed(_ reason: String) {}
}

@Suite("A server's patience with peers that do not come to their first request", .serialized)
struct SetupTimeTests {
    private let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    private func expectClosed(_ server: HTTPServer, _ clock: ManualClock) async throws {
        #expect(server.statistics.openConnections == 1)
        clock.advance(by: .seconds(11))
        try await eventually("the connection goes") { server.statistics.openConnections == 0 }
    }

    @Test(
        "silence and half a preface on a plain port end the connection",
        arguments: ["", "P", "PRI * HTTP/2.0\r\n\r\nSM"])
    func plain(_ text: String) async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, _ in
            let client = try RawClient(address)
            client.send(text)
            try await eventually("it is there") { server.statistics.openConnections == 1 }
            try await expectClosed(server, clock)
        }
    }

    @Test("a preface without settings ends the connection, one with them does not")
    func settings() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, _ in
            let silent = try RawClient(address)
            silent.send(preface)
            // The server's own settings: it takes the peer for one of HTTP/2.
            #expect(silent.receive(atMost: 9)?.count == 9)
            try await expectClosed(server, clock)

            let honest = try RawClient(address)
            honest.send(preface)
            honest.send([0, 0, 0, 4, 0, 0, 0, 0, 0])
            let acknowledged = honest.receive(until: "\u{0}\u{0}\u{0}\u{4}\u{1}\u{0}\u{0}\u{0}\u{0}")
            #expect(acknowledged.utf8.count > 9)
            clock.advance(by: .seconds(11))
            honest.send([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
            let mark = "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}"
            #expect(honest.receive(until: mark).hasSuffix(mark), "the ping is answered")
        }
    }

    @Test(
        "silence within a TLS handshake ends the connection", arguments: [[], [0x16, 3, 1, 2, 0, 1, 0]] as [[UInt8]])
    func handshake(_ bytes: [UInt8]) async throws {
        let clock = ManualClock()
        try await withServer(tls: Certificates.shared.server(), clock: clock) { server, address, _ in
            let client = try RawClient(address)
            client.send(bytes)
            try await eventually("it is there") { server.statistics.openConnections == 1 }
            try await expectClosed(server, clock)
        }
    }

    @Test("who negotiates HTTP/2 over TLS and then says nothing is closed")
    func negotiated() async throws {
        let clock = ManualClock()
        try await withServer(tls: Certificates.shared.server(), clock: clock) { server, address, _ in
            let heard = Lock(0)
            let context = try Certificates.shared.client(protocols: ["h2"])
            let raw = try #require(try RawAddress.resolve(address, passive: false).first)
            try await server.loops.loops[0].submit {
                let descriptor = slipway_stream_socket(raw.family)
                _ = raw.withPointer { Glibc.connect(descriptor, $0, $1) }
                let session = try context.makeSession()
                try session.expect(serverName: "localhost", verifying: true)
                Connection(
                    descriptor: descriptor, loop: server.loops.loops[0], peer: PeerIdentity(address: "test"),
                    tls: session, isConnecting: true
                ) { _, chosen in chosen == "h2" ? QuietDriver(heard) : nil }.start(timeout: .seconds(100))
            }
            try await eventually("the server's settings come") { heard.withLock { $0 } >= 9 }
            try await expectClosed(server, clock)
        }
    }
}
