import Loop
import Testing

@testable import HTTP

@Suite("An HTTP/1 server on a real socket", .serialized)
struct HTTP1ServerTests {
    private let get = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("a request is answered with the body's length, and the connection stays")
    func keepsAlive() async throws {
        try await withServer { _, address, handler in
            let client = try RawClient(address)
            for _ in 0..<3 {
                client.send(get)
                let head = client.receive(until: "\r\n\r\n")
                #expect(head == "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n")
                #expect(client.receive(until: "hello") == "hello")
            }
            #expect(handler.served.withLock { $0 } == 3)
        }
    }

    @Test("requests sent in one go are answered in their order")
    func pipelining() async throws {
        try await withServer { _, address, _ in
            let client = try RawClient(address)
            client.send(
                "GET /late?30 HTTP/1.1\r\nHost: a\r\n\r\n" + get
                    + "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                    + "GET /target?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let all = try #require(client.receiveAll())
            let bodies = all.split(separator: "\r\n\r\n").dropFirst().map { $0.prefix { $0 != "H" } }
            #expect(bodies == ["late", "hello", "3 -", "http a /target?x"])
            #expect(all.contains("connection: close"))
        }
    }

    @Test("a thousand pipelined requests are all answered")
    func longPipeline() async throws {
        try await withServer { _, address, handler in
            let client = try RawClient(address)
            client.send(String(repeating: get, count: 1000))
            client.finish()
            let all = try #require(client.receiveAll())
            #expect(all.components(of: "HTTP/1.1 200 OK") == 1000)
        }
    }

    @Test("a body comes whole whether its length was told or it is chunked, in pieces of any size")
    func requestBodies() async throws {
        try await withServer { _, address, _ in
            let chunked =
                "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Check: ok\r\n\r\n"
            let client = try RawClient(address)
            for step in [1, 2, 7, 1000] {
                var left = Array(chunked.utf8)[...]
                while !left.isEmpty {
                    client.send(Array(left.prefix(step)))
                    left = left.dropFirst(step)
                }
                _ = client.receive(until: "\r\n\r\n")
                #expect(client.receive(until: "ok") == "5 ok")
            }
        }
    }

    @Test("what is not known beforehand is chunked for 1.1 and ends with the connection for 1.0")
    func responseFraming() async throws {
        try await withServer { _, address, _ in
            var client = try RawClient(address)
            client.send("GET /stream?100000 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.receive(until: "\r\n\r\n").contains("transfer-encoding: chunked"))
            #expect(client.receive(until: "\r\n0\r\n\r\n").filter { $0 == "x" }.count == 100000)
            client.send("GET /trailers HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.receive(until: "\r\n\r\n").contains("transfer-encoding: chunked"))
            #expect(client.receive(until: "\r\n\r\n") == "4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n")

            client = try RawClient(address)
            client.send("GET /stream?100000 HTTP/1.0\r\n\r\n")
            let all = try #require(client.receiveAll())
            #expect(!all.contains("chunked") && all.contains("connection: close"))
            #expect(all.filter { $0 == "x" }.count == 100000)

            client = try RawClient(address)
            client.send("GET /length HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(client.receive(until: "\r\n\r\n").contains("connection: keep-alive"))
            #expect(client.receive(until: "hello") == "hello")
            client.send("GET /hello HTTP/1.0\r\n\r\n")
            #expect(try #require(client.receiveAll()).hasSuffix("\r\n\r\nhello"))
        }
    }

    @Test("HEAD, 204 and an empty answer carry no body")
    func bodiless() async throws {
        try await withServer { _, address, _ in
            let client = try RawClient(address)
            client.send("HEAD /length HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.receive(until: "\r\n\r\n").contains("content-length: 5"))
            client.send("HEAD /stream?100000 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.receive(until: "\r\n\r\n") == "HTTP/1.1 200 OK\r\n\r\n")
            client.send("GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(client.receiveAll() == "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        }
    }

    @Test("100 Continue is sent to who expects it, and a refused body closes the connection")
    func expectContinue() async throws {
        try await withServer { _, address, _ in
            let client = try RawClient(address)
            client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            #expect(client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("abc")
            #expect(client.receive(until: "3 -").hasPrefix("HTTP/1.1 200 OK"))
            client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            let all = try #require(client.receiveAll())
            #expect(all.hasPrefix("HTTP/1.1 413") && all.contains("connection: close") && all.hasSuffix("no"))
        }
    }

    @Test("a client that shut its write side down still gets its answer")
    func halfClose() async throws {
        try await withServer { _, address, _ in
            for request in [get, "GET /late?30 HTTP/1.1\r\nHost: a\r\n\r\n"] {
                let client = try RawClient(address)
                client.send(request)
                client.finish()
                #expect(try #require(client.receiveAll()).hasPrefix("HTTP/1.1 200 OK"))
            }
        }
    }

    @Test(
        "a bad head is answered with a status and a sentence, and the connection ends",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400, "Host field is missing"),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "only HTTP/1.0 and HTTP/1.1"),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "Transfer-Encoding"),
            ("GET / HTTP/1.1\nHost: a\n\n", 400, "CR LF"),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: (long)\r\n\r\n", 431, "65536 bytes"),
        ])
    func badHeads(_ text: String, _ status: Int, _ reason: String) async throws {
        try await withServer { _, address, handler in
            let client = try RawClient(address)
            client.send(text.split(separator: "(long)").joined(separator: String(repeating: "y", count: 80000)))
            let all = try #require(client.receiveAll())
            #expect(all.hasPrefix("HTTP/1.1 \(status) ") && all.contains(reason), "\(all)")
            #expect(handler.served.withLock { $0 } == 0)
        }
    }

    @Test("a small unwanted body is skipped, a large one ends the connection after the answer")
    func unwantedBody() async throws {
        try await withServer { _, address, _ in
            let client = try RawClient(address)
            client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
            #expect(client.receive(until: "no").hasPrefix("HTTP/1.1 413"))
            client.send(String(repeating: "z", count: 1000) + get)
            #expect(client.receive(until: "hello").hasPrefix("HTTP/1.1 200"))
            client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n")
            client.send([UInt8](repeating: 0, count: 4_000_000))
            #expect(try #require(client.receiveAll()).hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test("an answer shorter than its Content-Length breaks the connection")
    func shortAnswer() async throws {
        try await withServer { _, address, _ in
            let client = try RawClient(address)
            client.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.receiveAll()?.hasSuffix("half") ?? true)
        }
    }
}

extension String {
    func components(of part: String) -> Int { split(separator: part, omittingEmptySubsequences: false).count - 1 }
}
