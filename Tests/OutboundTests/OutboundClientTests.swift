import HTTP
import Loop
import Outbound
import Testing

@Suite("Requests to others")
struct OutboundClientTests {
    /// A server of ours to ask, and a client.
    static func withPeer(
        _ handle: @escaping AsyncHandler.Handle, _ body: (OutboundClient, String) async throws -> Void
    ) async throws {
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let server = HTTPServer(
            endpoints: [HTTPServer.Endpoint(.tcp(host: "127.0.0.1", port: 0))], loops: loops,
            handler: AsyncHandler(handle))
        try await server.start()
        guard case .tcp(_, let port) = server.addresses[0] else { return }
        let client = OutboundClient(loop: loops.next())
        do {
            try await body(client, "http://127.0.0.1:\(port)")
            client.stop()
            await server.shutdown(grace: .seconds(1))
            loops.stop()
        } catch {
            client.stop()
            await server.shutdown(grace: .zero)
            loops.stop()
            throw error
        }
    }

    @Test(
        "an answer comes with status, headers and the whole body, whatever its size",
        arguments: [0, 1, 70_000, 5_000_000])
    func answers(size: Int) async throws {
        try await Self.withPeer({ _, answer in
            try await answer.respond(201, ["x-kind": "echo"], [UInt8](repeating: 7, count: size))
        }) { client, url in
            let response = try await client.send(OutboundRequest("GET", url + "/x"))
            #expect(response.status == 201)
            #expect(response.header("x-kind") == "echo")
            #expect(try await response.body.collect(upTo: 10_000_000).count == size)
        }
    }

    @Test("a body goes out whole, at hand or as a stream, with its method", arguments: ["PUT", "POST", "PATCH"])
    func sends(method: String) async throws {
        try await Self.withPeer({ request, answer in
            let bytes = try await request.body.collect(upTo: 1 << 24)
            let sum = bytes.reduce(0) { $0 &+ Int($1) }
            try await answer.respond(200, [:], Array("\(request.head.method) \(bytes.count) \(sum)".utf8))
        }) { client, url in
            let count = 3_000_000
            let whole = OutboundRequest(method, url, body: .bytes([UInt8](repeating: 1, count: count)))
            let left = Lock(count / 1000)
            let stream = OutboundRequest(
                method, url,
                body: .stream(size: nil) {
                    let goesOn = left.withLock { left in
                        left -= 1
                        return left >= 0
                    }
                    return goesOn ? [UInt8](repeating: 1, count: 1000)[...] : nil
                })
            for request in [whole, stream] {
                let text = try await client.send(request).body.collect(upTo: 100)
                #expect(String(decoding: text, as: UTF8.self) == "\(method) \(count) \(count)")
            }
        }
    }

    @Test("a hundred requests at once share their connections and all come back")
    func many() async throws {
        try await Self.withPeer({ request, answer in
            try await answer.respond(200, [:], Array(request.head.path.utf8))
        }) { client, url in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        let response = try await client.send(OutboundRequest("GET", "\(url)/\(index)"))
                        return try await response.body.collect(upTo: 100) == Array("/\(index)".utf8)
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test("a redirect is followed where that is wanted, and else answered as it is")
    func redirects() async throws {
        try await Self.withPeer({ request, answer in
            if request.head.path == "/new" { return try await answer.respond(200, [:], Array("here".utf8)) }
            try await answer.respond(307, ["location": "/new"], Array("elsewhere".utf8))
        }) { client, url in
            let followed = try await client.send(OutboundRequest("GET", url + "/old", redirectsMax: 3))
            #expect(followed.status == 200)
            #expect(try await followed.body.collect(upTo: 100) == Array("here".utf8))
            let plain = try await client.send(OutboundRequest("GET", url + "/old"))
            #expect(plain.status == 307)
            #expect(plain.header("location") == "/new")
        }
    }

    @Test("the head of an endless answer is there at once, and leaving it ends the exchange")
    func endless() async throws {
        let ended = Condition(false)
        try await Self.withPeer({ _, answer in
            defer { ended.change { $0 = true } }
            try await answer.send(ResponseHead(status: 200, fields: [:]))
            while true { try await answer.write([UInt8](repeating: 0, count: 1 << 16)) }
        }) { client, url in
            do {
                let response = try await client.send(OutboundRequest("GET", url))
                var seen = 0
                for try await piece in response.body {
                    seen += piece.count
                    if seen > 1 << 22 { break }
                }
            }
            #expect(ended.wait(atMost: .seconds(30)) { $0 ? true : nil } == true)
        }
    }

    @Test("nobody listens, no such name, no such scheme: each says so without the URL")
    func failures() async throws {
        try await Self.withPeer({ _, answer in try await answer.respond(200) }) { client, _ in
            func code(_ url: String) async -> OutboundError? {
                do {
                    _ = try await client.send(OutboundRequest("GET", url))
                    return nil
                } catch {
                    return error as? OutboundError
                }
            }
            #expect(await code("http://127.0.0.1:1/secret")?.code == .unreachable)
            #expect(await code("http://no-such-host.invalid/secret")?.code == .unknownHost)
            #expect(await code("file:///etc/passwd")?.code == .invalidRequest)
            #expect(await code("http://127.0.0.1:1/secret")?.message.contains("secret") == false)
        }
    }

    @Test("a line break in a header is refused rather than sent")
    func smuggling() async throws {
        try await Self.withPeer({ _, answer in try await answer.respond(200) }) { client, url in
            await #expect(throws: OutboundError.self) {
                _ = try await client.send(OutboundRequest("GET", url, headers: [("x", "a\r\nauthorization: b")]))
            }
        }
    }

    @Test("a peer that says nothing is given up after the time-out")
    func silent() async throws {
        try await Self.withPeer({ request, _ in
            _ = try await request.body.collect(upTo: 1)
            try await EventLoop.current?.sleep(for: .seconds(60))
        }) { client, url in
            let error = await #expect(throws: OutboundError.self) {
                _ = try await client.send(OutboundRequest("GET", url, timeout: .milliseconds(200)))
            }
            #expect(error?.code == .timedOut)
        }
    }
}
