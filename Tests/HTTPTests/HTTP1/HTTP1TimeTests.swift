import Loop
import Testing

@testable import HTTP

@Suite("An HTTP/1 server's patience", .serialized)
struct HTTP1TimeTests {
    /// Lets the loop take in what a socket sent, then moves the time.
    private func pass(_ clock: ManualClock, _ duration: Duration, _ server: HTTPServer) async throws {
        for _ in 0..<20 {
            try await server.loops.loops[0].submit {}
            try await Task.sleep(for: .milliseconds(1))
        }
        clock.advance(by: duration)
    }

    @Test("a head that takes too long is a 408, however steadily it drips")
    func slowHead() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, _ in
            let client = try RawClient(address)
            client.send("GET / HTTP/1.1\r\n")
            for _ in 0..<4 {
                try await pass(clock, .seconds(3), server)
                client.send("X: y\r\n")
            }
            #expect(client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 408"))
            try await pass(clock, .seconds(3), server)
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
        }
    }

    @Test("a body that makes no progress is a 408; one that drips is not")
    func slowBody() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, _ in
            let client = try RawClient(address)
            client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            for _ in 0..<4 {
                client.send("x")
                try await pass(clock, .seconds(20), server)
            }
            #expect(server.statistics.openConnections == 1)
            try await pass(clock, .seconds(40), server)
            #expect(client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 408"))
        }
    }

    @Test("an idle connection goes after its time, silence from the start too")
    func idle() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, _ in
            let used = try RawClient(address)
            used.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = used.receive(until: "hello")
            let silent = try RawClient(address)
            try await eventually("both are there") { server.statistics.openConnections == 2 }
            try await pass(clock, .seconds(11), server)
            #expect(silent.receiveAll() == "")
            try await eventually("one is left") { server.statistics.openConnections == 1 }
            try await pass(clock, .seconds(290), server)
            #expect(used.receiveAll() == "")
        }
    }

    @Test("a client that does not read its answer is cut off")
    func stalledReader() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, handler in
            let client = try RawClient(address)
            client.send("GET /stream?1000000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            try await eventually("the answer begins") { handler.poured.withLock { $0 } > 1_000_000 }
            try await pass(clock, .seconds(61), server)
            try await eventually("the connection goes") { server.statistics.openConnections == 0 }
        }
    }

    @Test("an answer under way is not hurried")
    func slowHandler() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { server, address, _ in
            let client = try RawClient(address)
            client.send("GET /late?4000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            for _ in 0..<9 { try await pass(clock, .seconds(500), server) }
            #expect(client.receive(until: "late").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("draining finishes the request under way with Connection: close and ends idle connections")
    func drain() async throws {
        try await withServer { server, address, handler in
            let idle = try RawClient(address)
            idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = idle.receive(until: "hello")
            let busy = try RawClient(address)
            busy.send("GET /late?1500 HTTP/1.1\r\nHost: a\r\n\r\n")
            try await eventually("the request is there") { handler.open.withLock { $0 } == 1 }
            let stopping = Task { await server.shutdown(grace: .seconds(5)) }
            #expect(idle.receiveAll() == "")
            let answer = try #require(busy.receiveAll())
            #expect(answer.contains("connection: close") && answer.hasSuffix("late"))
            await stopping.value
        }
    }

    @Test("connections over the limit are closed as they come")
    func connectionLimit() async throws {
        try await withServer(connectionLimit: 2) { server, address, _ in
            let first = try RawClient(address)
            let second = try RawClient(address)
            try await eventually("two are open") { server.statistics.openConnections == 2 }
            #expect(try RawClient(address).receive()?.isEmpty ?? true)
            for client in [first, second] {
                client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(client.receive(until: "hello").hasPrefix("HTTP/1.1 200"))
            }
        }
    }
}
