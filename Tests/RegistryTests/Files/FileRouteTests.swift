import Contracts
import HTTP
import Loop
import RPC
import ServiceKit
import Testing

@testable import Access
@testable import Blobs
@testable import Identity
@testable import Postgres
@testable import RegistryCore

private struct Answer: Sendable {
    let status: Int
    let fields: HeaderFields
    let body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// The routes on a port, and a client that signs its requests.
private struct Web: Sendable {
    let address: SocketAddress
    let client: HTTPClient
    let token: Secret

    func send(
        _ method: HTTPMethod, _ path: String, _ fields: HeaderFields = [:], _ body: HTTPClient.Body = .none,
        workspace: String = "lab", token: Secret? = nil
    ) async throws -> Answer {
        var fields = fields
        fields.set("authorization", "Bearer \((token ?? self.token).reveal())")
        fields.set("slipway-workspace", workspace)
        let head = RequestHead(
            method: method, authority: address.description, path: path, fields: fields, version: .http11)
        return try await client.execute(head, body, deadline: .seconds(60)) { head, body in
            Answer(status: head.status, fields: head.fields, body: try await body.collect(upTo: 1 << 26))
        }
    }
}

private func withWeb(store: (any BlobStore)? = nil, _ body: (FilesHarness, Web) async throws -> Void) async throws {
    try await withFiles(store: store) { harness in
        var routes = AccessRoutes(AccessControl(harness.fixture.source))
        try FileRoutes(harness.service).add(to: &routes)
        let server = HTTPServer(
            endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: harness.fixture.loops,
            handler: Routes(routes.table))
        try await server.start()
        let resolver = ComputePool(threads: 1, name: "resolver")
        try resolver.start()
        defer { resolver.stop() }
        let client = HTTPClient(loops: harness.fixture.loops, resolver: resolver)
        do {
            let address = try #require(server.addresses.first)
            try await body(harness, Web(address: address, client: client, token: harness.token))
            await client.close()
            await server.shutdown(grace: .zero)
        } catch {
            await client.close()
            await server.shutdown(grace: .zero)
            throw error
        }
    }
}

@Suite("files over plain HTTP", .timeLimit(.minutes(3))) struct FileRouteTests {
    @Test(
        "what a range asks for of ten bytes",
        arguments: [
            ("bytes=0-4", HTTPRange.part(0..<5)), ("bytes=3-3", .part(3..<4)), ("bytes=5-", .part(5..<10)),
            ("bytes=0-99", .part(0..<10)), ("bytes=9-99", .part(9..<10)), ("bytes=-3", .part(7..<10)),
            ("bytes=-99", .part(0..<10)), ("bytes= 2 - 4 ", .part(2..<5)), ("BYTES=1-1", .part(1..<2)),
            ("bytes=0-99999999999999999999", .part(0..<10)), ("bytes=10-", .unsatisfiable),
            ("bytes=10-11", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=5-4", .whole), ("bytes=", .whole),
            ("bytes=-", .whole), ("bytes=a-b", .whole), ("bytes=1-2,4-5", .whole), ("lines=1-2", .whole),
            ("bytes=+1-2", .whole), ("bytes", .whole),
        ])
    fileprivate func parse(text: String, expected: HTTPRange) { #expect(HTTPRange.parse(text, size: 10) == expected) }

    @Test("no range of an empty file can be had")
    func emptyRanges() {
        #expect(HTTPRange.parse("bytes=0-", size: 0) == .unsatisfiable)
        #expect(HTTPRange.parse("bytes=-5", size: 0) == .unsatisfiable)
    }

    @Test("a file is sent with its tag, name and length, whole, in ranges, or not at all where it is known")
    func files() async throws {
        try await withWeb { harness, web in
            let bytes = content(1_500_000, seed: 1)
            try await harness.register("churn", [("dir/mödel.bin", bytes), ("empty", [])])
            let path = "/v1/models/churn/1/files/dir/m%C3%B6del.bin"
            let tag = "\"\(try begin(bytes).digest)\""
            let whole = try await web.send(.get, path)
            #expect(whole.status == 200 && whole.body == bytes)
            #expect(whole.fields["etag"] == tag && whole.fields["accept-ranges"] == "bytes")
            #expect(whole.fields["content-length"] == "1500000")
            #expect(
                whole.fields["content-disposition"]
                    == "attachment; filename=\"m_del.bin\"; filename*=UTF-8''m%C3%B6del.bin")
            let head = try await web.send(.head, path, ["range": "bytes=0-4"])
            #expect(head.status == 200 && head.body == [] && head.fields["content-length"] == "1500000")
            let part = try await web.send(.get, path, ["range": "bytes=700000-1300000"])
            #expect(part.status == 206 && part.body == Array(bytes[700_000...1_300_000]))
            #expect(part.fields["content-range"] == "bytes 700000-1300000/1500000")
            let last = try await web.send(.get, path, ["range": "bytes=-5", "if-range": tag])
            #expect(last.status == 206 && last.body == Array(bytes.suffix(5)))
            let changed = try await web.send(.get, path, ["range": "bytes=-5", "if-range": "\"other\""])
            #expect(changed.status == 200 && changed.body == bytes)
            let beyond = try await web.send(.get, path, ["range": "bytes=1500000-"])
            #expect(beyond.status == 416 && beyond.fields["content-range"] == "bytes */1500000")
            #expect(
                beyond.text
                    == "{\"code\":\"out_of_range\",\"message\":\"the file has 1500000 bytes, and the range is beyond them\"}\n"
            )
            for known in [tag, "W/\(tag)", "\"a\", \(tag)", "*"] {
                let answer = try await web.send(.get, path, ["if-none-match": known])
                #expect(answer.status == 304 && answer.body == [] && answer.fields["etag"] == tag, "\(known)")
            }
            #expect(try await web.send(.get, path, ["if-none-match": "\"other\""]).status == 200)
            let empty = try await web.send(.get, "/v1/models/churn/latest/files/empty")
            #expect(empty.status == 200 && empty.body == [] && empty.fields["content-length"] == "0")
            #expect(empty.fields["content-disposition"] == "attachment; filename=\"empty\"")
        }
    }

    @Test("what can't be sent is an error in JSON with the status that fits")
    func refusals() async throws {
        try await withWeb { harness, web in
            try await harness.register("churn", [("a", [1, 2, 3])])
            func check(_ path: String, _ status: Int, _ text: String, workspace: String = "lab") async throws {
                let answer = try await web.send(.get, path, workspace: workspace)
                #expect(answer.status == status && answer.text == text + "\n", "\(path): \(answer.text)")
                #expect(answer.fields["content-type"] == "application/json")
            }
            try await check(
                "/v1/models/churn/1/files/b", 404,
                "{\"code\":\"not_found\",\"message\":\"churn:1 has no file \\\"b\\\"\"}")
            try await check(
                "/v1/models/churn/2/files/a", 404,
                "{\"code\":\"not_found\",\"message\":\"there is no version churn:2 in the workspace \\\"lab\\\"; the latest is churn:1\"}"
            )
            try await check(
                "/v1/models/churn/@gold/archive", 404,
                "{\"code\":\"not_found\",\"message\":\"there is no version churn@gold in the workspace \\\"lab\\\"; the model has no aliases\"}"
            )
            try await check(
                "/v1/models/churn/1/files/a", 404,
                "{\"code\":\"not_found\",\"message\":\"there is no model \\\"churn\\\" in the workspace \\\"attic\\\"\"}",
                workspace: "attic")
            #expect(try await web.send(.get, "/v1/models/churn/x/files/a").status == 400)
            #expect(try await web.send(.get, "/v1/models/churn/1/files/a%00b").status == 404)
            #expect(try await web.send(.get, "/v1/models/churn/1/files/../a").status == 404)
            let digest = try BlobHasher.digest([1, 2, 3])
            harness.fixture.blobs.state.withLock { $0.blobs[digest]?.bytes[1] = 9 }
            try await check(
                "/v1/models/churn/1/files/a", 500,
                "{\"code\":\"data_loss\",\"message\":\"the bytes of \\\"a\\\" in the store are not \(digest)\"}")
        }
    }

    @Test("an upload is begun, looked at, sent in parts and done, and says where it stands where it is asked wrongly")
    func upload() async throws {
        try await withWeb { harness, web in
            let bytes = content(3_000_000, seed: 2)
            let wanted = "{\"digest\":\"\(try begin(bytes).digest)\",\"size_bytes\":\(bytes.count)}"
            let begun = try await web.send(.post, "/v1/uploads", [:], .bytes(Array(wanted.utf8)))
            #expect(begun.status == 201)
            let location = try #require(begun.fields["location"])
            let id = location.split(separator: "/").last ?? ""
            func says(_ offset: Int, _ isDone: Bool) -> String {
                "{\"id\":\"\(id)\",\"offset\":\(offset),\"size_bytes\":3000000,\"done\":\(isDone)}\n"
            }
            #expect(begun.text == says(0, false))
            let half = try await web.send(.put, "\(location)?offset=0", [:], .bytes(Array(bytes[..<1_000_000])))
            #expect(half.status == 200 && half.text == says(1_000_000, false))
            let wrong = try await web.send(.put, "\(location)?offset=5", [:], .bytes([1]))
            #expect(wrong.status == 409 && wrong.fields["upload-offset"] == "1000000")
            #expect(
                wrong.text
                    == "{\"code\":\"failed_precondition\",\"message\":\"the upload \(id) stands at 1000000, and these bytes begin at 5\"}\n"
            )
            #expect(try await web.send(.get, location).text == says(1_000_000, false))
            for query in ["", "?offset=", "?offset=-1", "?offset=x", "?offset=1&offset=2"] {
                #expect(try await web.send(.put, location + query, [:], .bytes([1])).status == 400, "\(query)")
            }
            let rest = try await web.send(
                .put, "\(location)?offset=1000000", [:], .bytes(Array(bytes[1_000_000...])))
            #expect(rest.status == 200 && rest.text == says(3_000_000, true))
            #expect(try await web.send(.get, location).text == says(3_000_000, true))
            let again = try await web.send(.post, "/v1/uploads", [:], .bytes(Array(wanted.utf8)))
            #expect(again.status == 200 && again.text == says(3_000_000, true))
            #expect(try await web.send(.get, location, workspace: "attic").status == 404)
            #expect(try await web.send(.post, "/v1/uploads", [:], .bytes(Array("{".utf8))).status == 400)
            #expect(try await web.send(.get, "/v1/uploads/nope").status == 400)
            let reader = try await harness.fixture.member("eve", [(harness.fixture.lab, .reader)]).token
            #expect(try await web.send(.get, location, token: reader).status == 403)
        }
    }

    @Test("a body that breaks off is kept as far as it came")
    func cut() async throws {
        try await withWeb { harness, web in
            let bytes = content(3_000_000, seed: 3)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            let (pieces, feed) = AsyncThrowingStream.makeStream(of: ArraySlice<UInt8>.self)
            for start in stride(from: 0, to: 2_000_000, by: 50_000) { feed.yield(bytes[start..<start + 50_000]) }
            let path = "/v1/uploads/\(id)?offset=0"
            let sending = Task { try await web.send(.put, path, [:], .stream(pieces, length: bytes.count)) }
            // Gathered pieces are counted when a megabyte is there; the rest when the connection is seen to be gone.
            while try await harness.client().beginUpload(try begin(bytes)).offset < 1 << 20 { await Task.yield() }
            feed.finish(throwing: CancellationError())
            await #expect(throws: (any Error).self) { _ = try await sending.value }
            while harness.service.uploads.open.writerCount > 0 { await Task.yield() }
            let stands = try await harness.client().beginUpload(try begin(bytes))
            #expect(stands.offset >= 1 << 20 && stands.offset <= 2_000_000)
            let rest = Array(bytes[Int(stands.offset)...])
            let done = try await web.send(.put, "/v1/uploads/\(id)?offset=\(stands.offset)", [:], .bytes(rest))
            #expect(done.status == 200 && done.text.contains("\"done\":true"))
        }
    }

    @Test("a full disk is 507, and what was written is kept")
    func fullDisk() async throws {
        let store = FullStore()
        try await withWeb(store: store) { harness, web in
            let bytes = content(3 << 20, seed: 5)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            store.room.withLock { $0 = 2 << 20 }
            let answer = try await web.send(.put, "/v1/uploads/\(id)?offset=0", [:], .bytes(bytes))
            #expect(answer.status == 507 && answer.text.hasPrefix("{\"code\":\"resource_exhausted\""))
            let stands = try await harness.client().beginUpload(try begin(bytes)).offset
            #expect(stands > 0 && stands <= 2 << 20)
        }
    }

    @Test("an archive has its length, tag and name, and is not sent to whoever has it")
    func archive() async throws {
        try await withWeb { harness, web in
            try await harness.register("churn", [("a", content(700_000, seed: 4)), ("b", [])])
            let path = "/v1/models/churn/1/archive"
            let answer = try await web.send(.get, path)
            #expect(answer.status == 200 && answer.fields["content-type"] == "application/x-tar")
            #expect(answer.fields["content-length"] == "\(answer.body.count)")
            #expect(answer.fields["content-disposition"] == "attachment; filename=\"churn-1.tar\"")
            #expect(answer.body.count == 702_464)
            let head = try await web.send(.head, path)
            #expect(head.body == [] && head.fields["content-length"] == "\(answer.body.count)")
            let tag = try #require(answer.fields["etag"])
            #expect(try await web.send(.get, path, ["if-none-match": tag]).status == 304)
        }
    }
}
