import Loop
import Testing

@testable import HTTP

@Suite("A route table")
struct RouteTableTests {
    private func table() throws -> RouteTable<String> {
        var table = RouteTable<String>()
        for (method, pattern) in [
            (HTTPMethod.get, "/"), (.get, "/v2"), (.get, "/v2/models/{name}"), (.post, "/v2/models/search"),
            (.post, "/v2/models/{name}/infer"), (.post, "/v2/models/{name}/versions/{version}/infer"),
            (.get, "/v2/models/{name}/versions/latest"), (.get, "/v2/models/{name}/versions/{version}"),
            (.put, "/v2/models/{name}"), (.post, "/v1/models/{name}:predict"), (.get, "/v1/models/{name}"),
            (.get, "/files/{path...}"), (.get, "/files/index"),
        ] { try table.add(method, pattern, pattern) }
        return table
    }

    private func match(_ method: HTTPMethod, _ target: String) throws -> String {
        let table = try table()
        return Array(target.utf8).withUnsafeBytes { bytes in
            switch table.match(method, bytes) {
            case .found(let pattern, let parameters):
                let values = ["name", "version", "path"].compactMap { parameters[$0] }
                return ([pattern] + values).joined(separator: " | ")
            case .methodNotAllowed(let allowed):
                return "allow " + allowed.map(\.description).sorted().joined(separator: ",")
            case .badEncoding: return "bad"
            case .unknown: return "unknown"
            }
        }
    }

    @Test(
        "finds the pattern and decodes what it names",
        arguments: [
            (HTTPMethod.get, "/", "/"), (.get, "/v2?x=/", "/v2"), (.get, "/v2/", "unknown"), (.get, "//v2", "unknown"),
            (.get, "/v2/models/a%20b", "/v2/models/{name} | a b"), (.get, "/v2/models/", "unknown"),
            (.get, "/v2/m%6fdels/x", "/v2/models/{name} | x"), (.get, "/v2/models/a%2Fb", "/v2/models/{name} | a/b"),
            (.post, "/v2/models/m/versions/3/infer", "/v2/models/{name}/versions/{version}/infer | m | 3"),
            (.get, "/v2/models/m/versions/latest", "/v2/models/{name}/versions/latest | m"),
            (.get, "/v2/models/m/versions/7", "/v2/models/{name}/versions/{version} | m | 7"),
            (.post, "/v2/models/search", "/v2/models/search"),
            (.get, "/v2/models/search", "/v2/models/{name} | search"),
            (.post, "/v2/models/search/infer", "/v2/models/{name}/infer | search"),
            (.post, "/v1/models/m:predict", "/v1/models/{name}:predict | m"),
            (.get, "/v1/models/m:predict", "/v1/models/{name} | m:predict"),
            (.head, "/v2", "/v2"), (.delete, "/v2/models/m", "allow GET,PUT"),
            (.delete, "/v2/models/search", "allow GET,POST,PUT"), (.post, "/v1/models/m", "allow GET"),
            (.get, "/files/a/b%20c/d", "/files/{path...} | a/b c/d"), (.get, "/files/", "/files/{path...} | "),
            (.get, "/files/index", "/files/index"), (.get, "/files/index/x", "/files/{path...} | index/x"),
            (.get, "/files", "unknown"), (.get, "/v2/models/%zz", "bad"), (.get, "/v2/models/%4", "bad"),
            (.get, "/v2/models/%ff", "bad"), (.get, "/v2/models/%", "bad"), (.get, "*", "unknown"),
            (.get, "", "unknown"),
        ])
    func find(_ method: HTTPMethod, _ target: String, _ expected: String) throws {
        #expect(try match(method, target) == expected)
    }

    @Test(
        "refuses malformed patterns and what is there already",
        arguments: ["x", "/a/{", "/a/{}", "/a/{b}c{d}", "/{a...}/b", "/{a}/{a}", "/{a...}x", "/a{b}", "/v2"])
    func refused(_ pattern: String) throws {
        var table = RouteTable<Int>()
        try table.add(.get, "/v2", 1)
        #expect(throws: RouteError.self) { try table.add(.get, pattern, 2) }
    }
}

@Suite("Routes and async handlers on a server", .serialized)
struct RoutesServerTests {
    private func routes() throws -> Routes {
        var table = RouteTable<any RouteHandler>()
        try table.add(.get, "/models/{name}") { request, responder in
            try await responder.respond(200, [:], Array("model \(request.parameters["name"] ?? "?")".utf8))
        }
        try table.add(.post, "/collect") { request, responder in
            let body = try await request.body.collect(upTo: 1000)
            try await responder.respond(200, ["content-type": "text/plain"], Array("\(body.count)".utf8))
        }
        try table.add(.post, "/echo") { request, responder in
            try await responder.send(ResponseHead(status: 200))
            for try await chunk in request.body { try await responder.write(chunk) }
            try await responder.finish(trailers: try await request.body.trailers)
        }
        try table.add(.get, "/throws") { _, _ in throw LoopError(operation: "secret", number: 1) }
        try table.add(.get, "/fails") { _, _ in
            throw HTTPFailure(status: 409, code: "aborted", message: "a \"quoted\"\nline")
        }
        try table.add(.get, "/breaks") { _, responder in
            try await responder.send(ResponseHead(status: 200))
            try await responder.write(Array("part".utf8))
            throw LoopError(operation: "secret", number: 1)
        }
        try table.add(.get, "/nothing") { _, _ in }
        return Routes(table)
    }

    @Test("unknown paths, wrong methods and bad encodings are answered in JSON", arguments: [Transport.http1, .http2])
    func refusals(_ transport: Transport) async throws {
        try await withServer(handler: routes()) { server, address in
            let connection = try await TestConnection.connect(
                address, on: server.loops.loops[0], wanted: transport.wanted)
            let model = try await connection.get("/models/a%20b")
            #expect(model.text == "model a b")
            let unknown = try await connection.get("/nowhere?x")
            #expect(unknown.head.status == 404 && unknown.head.fields["content-type"] == "application/json")
            #expect(unknown.text == "{\"code\":\"not_found\",\"message\":\"there is nothing at /nowhere\"}\n")
            let wrong = try await connection.get("/models/a", .delete)
            #expect(wrong.head.status == 405 && wrong.head.fields["allow"] == "GET, HEAD, OPTIONS")
            let options = try await connection.get("/collect", .options)
            #expect(options.head.status == 204 && options.head.fields["allow"] == "OPTIONS, POST")
            let head = try await connection.get("/models/a", .head)
            #expect(head.head.status == 200 && head.body.isEmpty)
            let bad = try await connection.get("/models/%zz")
            #expect(bad.head.status == 400 && bad.text.contains("percent-encoded"))
            try await connection.close()
        }
    }

    @Test("what an async handler does and throws becomes the answer", arguments: [Transport.http1, .http2])
    func handlers(_ transport: Transport) async throws {
        try await withServer(handler: routes()) { server, address in
            let loop = server.loops.loops[0]
            let connection = try await TestConnection.connect(address, on: loop, wanted: transport.wanted)
            let collected = try await connection.post("/collect", [UInt8](repeating: 0, count: 1000))
            #expect(collected.text == "1000")
            let echo = try await connection.post("/echo", [UInt8](repeating: 5, count: 2_000_000), trailers: ["a": "b"])
            #expect(echo.body.count == 2_000_000 && echo.trailers == ["a": "b"])
            let thrown = try await connection.get("/throws")
            #expect(thrown.head.status == 500 && !thrown.text.contains("secret"))
            let failed = try await connection.get("/fails")
            #expect(failed.head.status == 409)
            #expect(failed.text == "{\"code\":\"aborted\",\"message\":\"a \\\"quoted\\\"\\nline\"}\n")
            let nothing = try await connection.get("/nothing")
            #expect(nothing.head.status == 500)
            let over = try await connection.post("/collect", [UInt8](repeating: 0, count: 1001))
            #expect(over.head.status == 413 && over.text.contains("1000 bytes"))
            try await connection.close()
            let other = try await TestConnection.connect(address, on: loop, wanted: transport.wanted)
            await #expect(throws: HTTPExchangeError.self) { try await other.get("/breaks") }
            try await other.close()
        }
    }

    @Test("the handler's task is cancelled when the client goes away", arguments: [Transport.http1, .http2])
    func cancelled(_ transport: Transport) async throws {
        let (started, ended) = (Lock(false), Lock(""))
        let handler = AsyncHandler { request, _ in
            started.withLock { $0 = true }
            do { _ = try await request.body.collect(upTo: 100) } catch {
                ended.withLock { $0 = Task.isCancelled ? "cancelled" : "went on" }
            }
        }
        try await withServer(handler: handler) { server, address in
            let connection = try await TestConnection.connect(
                address, on: server.loops.loops[0], wanted: transport.wanted)
            _ = try await connection.exchange(.test("/", .post), end: false)
            try await eventually("the handler runs") { started.withLock { $0 } }
            try await connection.close()
            try await eventually("the handler ends") { ended.withLock { $0 } != "" }
            #expect(ended.withLock { $0 } == "cancelled")
        }
    }

    @Test("a handler that left the loop can answer from elsewhere")
    func elsewhere() async throws {
        let pool = ComputePool(threads: 1)
        try pool.start()
        defer { pool.stop() }
        let handler = AsyncHandler { request, responder in
            #expect(EventLoop.current != nil)
            try await withTaskExecutorPreference(pool) {
                #expect(EventLoop.current == nil)
                let body = try await request.body.collect(upTo: 1_000_000)
                try await responder.send(ResponseHead(status: 200))
                for byte in stride(from: 0, to: body.count, by: 1000) {
                    try await responder.write(body[byte..<min(byte + 1000, body.count)])
                }
                try await responder.finish()
            }
        }
        try await withServer(handler: handler) { server, address in
            let connection = try await TestConnection.connect(address, on: server.loops.loops[0], wanted: .http2)
            let body = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            let answer = try await connection.post("/", body)
            #expect(answer.body == body)
            try await connection.close()
        }
    }
}
