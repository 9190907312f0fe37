import Testing

@testable import HTTP

/// Reads a head as the driver does.
private func read(_ text: String, limit: Int = 65536) -> Result<HTTP1Request, HTTP1Failure>? {
    Array(text.utf8).withUnsafeBytes { bytes in
        var scanner = HTTP1HeadScanner(limit: limit)
        switch scanner.scan(bytes) {
        case .incomplete: return nil
        case .bad(let failure): return .failure(failure)
        case .found(let start, let end):
            return Result { () throws(HTTP1Failure) in
                try HTTP1Request(bytes, start: start, end: end, isEncrypted: false, limit: limit)
            }
        }
    }
}

@Suite("A request's head in HTTP/1")
struct HTTP1HeadTests {
    @Test("names become lower-case, values lose the space around them")
    func fields() throws {
        let request = try #require(read("POST /a?b HTTP/1.1\r\nHOST: x:1\r\nX-Y: \t a b \t\r\nEmpty:\r\n\r\n")).get()
        #expect(request.head.method == .post && request.head.target == "/a?b" && request.head.version == .http11)
        #expect(Array(request.head.fields.map(\.name)) == ["host", "x-y", "empty"])
        #expect(request.head.fields["x-y"] == "a b" && request.head.fields["empty"] == "")
        #expect(request.head.authority == "x:1" && request.head.scheme == "http")
        #expect(request.framing == .none && request.keepsAlive)
    }

    @Test(
        "the target's form decides about path and authority",
        arguments: [
            ("GET /a%20b?q=1", "/a%20b?q=1", "h"),
            ("GET http://other:8080/a?b", "/a?b", "other:8080"),
            ("GET https://other", "/", "other"),
            ("GET HTTP://other?q", "/?q", "other"),
            ("CONNECT db:5432", "", "db:5432"),
            ("OPTIONS *", "*", "h"),
            ("FETCH /", "/", "h"),
        ])
    func targets(_ line: String, _ path: String, _ authority: String) throws {
        let request = try #require(read("\(line) HTTP/1.1\r\nHost: h\r\n\r\n")).get()
        #expect(request.head.target == path && request.head.authority == authority)
    }

    @Test(
        "the fields decide about the body and the connection",
        arguments: [
            ("HTTP/1.1\r\nHost: h\r\nContent-Length: 12", HTTP1Framing.length(12), true),
            ("HTTP/1.1\r\nHost: h\r\nContent-Length: 0", .none, true),
            ("HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked", .chunked, true),
            ("HTTP/1.1\r\nHost: h\r\nConnection: x, Close", .none, false),
            ("HTTP/1.0", .none, false),
            ("HTTP/1.0\r\nConnection: Keep-Alive", .none, true),
            ("HTTP/1.0\r\nConnection: keep-alive, close", .none, false),
        ])
    func framing(_ rest: String, _ framing: HTTP1Framing, _ keepsAlive: Bool) throws {
        let request = try #require(read("GET / \(rest)\r\n\r\n")).get()
        #expect(request.framing == framing && request.keepsAlive == keepsAlive)
    }

    @Test(
        "what is not exactly right is refused",
        arguments: [
            ("GET / HTTP/1.1\nHost: h\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: h\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\n\n", 400), ("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7f}\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX(: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n", 417),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
            ("GET / http/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /\r\nHost: a\r\n\r\n", 400),
            ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400), (" / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET http://u@h/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ])
    func refused(_ text: String, _ status: Int) throws {
        switch try #require(read(text)) {
        case .success: Issue.record("accepted")
        case .failure(let failure): #expect(failure.status == status, "\(failure.reason)")
        }
    }

    @Test("one byte less than everything is incomplete, and one empty line before is forgiven")
    func incomplete() throws {
        let text = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for count in 0..<text.utf8.count {
            #expect(read(String(decoding: text.utf8.prefix(count), as: UTF8.self)) == nil, "\(count)")
        }
        _ = try #require(read(text)).get()
    }

    @Test("heads over the limit are refused whether they end or not")
    func limits() throws {
        let long = String(repeating: "x", count: 20000)
        for text in ["GET / HTTP/1.1\r\nHost: a\r\nX: \(long)", "GET / HTTP/1.1\r\nHost: a\r\nX: \(long)\r\n\r\n"] {
            guard case .failure(let failure) = try #require(read(text, limit: 1000)) else { throw TestFailure() }
            #expect(failure.status == 431 && failure.reason.contains("1000"))
        }
        guard case .failure(let failure) = try #require(read("GET /\(long)", limit: 1000)) else { throw TestFailure() }
        #expect(failure.status == 414)
        let many = String(repeating: "a:\r\n", count: 100)
        guard case .failure(let other) = try #require(read("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n", limit: 1000))
        else { throw TestFailure() }
        #expect(other.status == 431)
    }
}

struct TestFailure: Error {}

@Suite("A chunked body")
struct ChunkedDecoderTests {
    fileprivate enum Outcome: Equatable { case end(String, HeaderFields?, used: Int), bad(String), incomplete(String) }

    /// Feeds `text` in pieces of `step` bytes.
    fileprivate func decode(_ text: String, step: Int, limit: Int = 1000) -> Outcome {
        var decoder = ChunkedDecoder(limit: limit)
        let bytes = Array(text.utf8)
        var body: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(start + step, bytes.count)])
            var position = 0
            var isOver = false
            while !isOver {
                switch piece.withUnsafeBytes({ decoder.next($0, at: &position, maximum: 3) }) {
                case .needsMore: isOver = true
                case .bytes(let range): body += piece[range]
                case .end(let trailers):
                    return .end(String(decoding: body, as: UTF8.self), trailers, used: start + position)
                case .bad(let failure): return .bad(failure.reason)
                }
            }
            start += step
        }
        return .incomplete(String(decoding: body, as: UTF8.self))
    }

    @Test("is the same in pieces of any size", arguments: [1, 2, 3, 5, 1000])
    func pieces(_ step: Int) {
        #expect(decode("5\r\nhello\r\n0\r\n\r\n", step: step) == .end("hello", nil, used: 15))
        #expect(
            decode("3;a=\"b c\"\r\nabc\r\n0;z\r\nX-A: 1\r\nX-B:2\r\n\r\n", step: step)
                == .end("abc", ["x-a": "1", "x-b": "2"], used: 38))
        #expect(decode("3\r\nabc\r\n0\r\n", step: step) == .incomplete("abc"))
    }

    @Test(
        "is refused where it is not exactly right",
        arguments: [
            "\r\n", ";\r\n", "g\r\n", "-1\r\n", "0x1\r\n", " 1\r\n", "1\n", "1\r\na\n", "1\r\nab\r\n", "1 \r\n",
            "1000000000000000\r\n", "1;\n", "1;\u{1}\r\n", "0\r\nX: 1\n\r\n", "0\r\n X: 1\r\n\r\n", "0\r\nX\r\n\r\n",
            "0\r\nContent-Length: 1\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nHost: a\r\n\r\n",
        ])
    func refused(_ text: String) {
        for step in [1, 1000] {
            guard case .bad = decode(text, step: step) else {
                Issue.record("accepted in pieces of \(step)")
                continue
            }
        }
    }

    @Test("extensions and trailers have bounds")
    func bounds() {
        #expect(decode("1;" + String(repeating: "x", count: 17000), step: 1000).isBad)
        let chunk = "1;" + String(repeating: "x", count: 1000) + "\r\na\r\n"
        #expect(decode(String(repeating: chunk, count: 20), step: 1000).isBad)
        #expect(decode("0\r\nX: " + String(repeating: "x", count: 1001), step: 1000).isBad)
    }
}

extension ChunkedDecoderTests.Outcome {
    fileprivate var isBad: Bool { if case .bad = self { true } else { false } }
}
