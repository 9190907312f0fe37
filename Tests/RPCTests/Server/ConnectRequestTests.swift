import HTTP
import Testing

@testable import RPC

@Suite("Requests of the Connect protocol", .serialized, .timeLimit(.minutes(1)))
struct ConnectRequestTests {
    private static let quoted = Array("\"x\"".utf8)

    @Test("a content type that is none of ours is answered with 415 and Accept-Post", arguments: ["", "text/plain"])
    func codec(_ type: String) async throws {
        try await withServer([ProbeService()]) { served in
            let fields: HeaderFields = type.isEmpty ? [:] : ["content-type": type]
            let unary = try await served.exchange(.post, Probe.echoPath, fields, body: Self.quoted)
            #expect(unary.status == 415)
            #expect(unary.fields["accept-post"] == "application/json, application/proto, application/grpc")
            let stream = try await served.exchange(.post, "/slipway.test.Probe/Count", fields, body: Self.quoted)
            #expect(stream.status == 415)
            #expect(stream.fields["accept-post"]?.contains("application/connect+json") == true)
        }
    }

    @Test("a method that may not be used is answered with 405 and Allow")
    func method() async throws {
        try await withServer([ProbeService()]) { served in
            for (method, path, allow) in [
                (HTTPMethod.get, Probe.echoPath, "POST"), (.put, Probe.echoPath, "POST"),
                (.delete, Probe.readPath, "GET, POST"), (.options, Probe.echoPath, "POST"),
                (.get, "/slipway.test.Probe/Count", "POST"),
            ] {
                let answer = try await served.exchange(method, path)
                #expect(answer.status == 405)
                #expect(answer.fields["allow"] == allow)
            }
        }
    }

    @Test("GET calls methods without side effects, and says what it lacks")
    func get() async throws {
        try await withServer([ProbeService()]) { served in
            let good = try await served.exchange(.get, Probe.readPath + "?connect=v1&encoding=json&message=%22a+b%22")
            #expect(good.status == 200)
            #expect(good.text == "\"a b\"")
            for (query, status) in [
                ("", 415), ("?encoding=xml&message=1", 415), ("?encoding=json", 400),
                ("?connect=v2&encoding=json&message=%22%22", 400), ("?encoding=json&base64=1&message=*", 400),
                ("?encoding=json&message=%22%22&compression=br", 501), ("?encoding=json&message=nonsense", 400),
                ("?encoding=proto&compression=gzip&base64=1&message=AAAA", 400),
            ] {
                let answer = try await served.exchange(.get, Probe.readPath + query)
                #expect(answer.status == status, "\(query)")
                #expect(answer.error != nil, "\(query)")
            }
        }
    }

    @Test("another version and an unknown compression are refused")
    func head() async throws {
        try await withServer([ProbeService()]) { served in
            let version = try await served.exchange(
                .post, Probe.echoPath, ["content-type": "application/json", "connect-protocol-version": "2"],
                body: Self.quoted)
            #expect(version.status == 400)
            let compression = try await served.exchange(
                .post, Probe.echoPath, ["content-type": "application/json", "content-encoding": "br"],
                body: Self.quoted)
            #expect(compression.status == 501)
            #expect(compression.error?.message.contains("gzip") == true)
        }
    }

    @Test("a path that is nobody's is a JSON 404")
    func unknown() async throws {
        try await withServer([ProbeService()]) { served in
            let answer = try await served.exchange(
                .post, "/nobody/Nothing", ["content-type": "application/json"], body: Self.quoted)
            #expect(answer.status == 404)
            #expect(answer.error?.code == .notFound)
        }
    }

    // MARK: pages of other origins

    private static var open: RPCServerConfiguration {
        var configuration = RPCServerConfiguration()
        configuration.crossOrigin = CrossOriginPolicy(origins: ["https://good.example"])
        return configuration
    }

    private static func preflight(_ origin: String) -> HeaderFields {
        [
            "origin": origin, "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,x-own",
        ]
    }

    @Test("a preflight from an allowed origin is granted")
    func preflight() async throws {
        try await withServer([ProbeService()], configuration: Self.open) { served in
            let answer = try await served.exchange(.options, Probe.echoPath, Self.preflight("https://good.example"))
            #expect(answer.status == 204)
            #expect(answer.fields["access-control-allow-origin"] == "https://good.example")
            #expect(answer.fields["access-control-allow-methods"] == "GET, POST")
            #expect(answer.fields["access-control-allow-headers"] == "content-type,x-own")
            #expect(answer.fields["access-control-max-age"] == "7200")
            #expect(answer.fields["vary"] == "origin")
        }
    }

    @Test(
        "a preflight from another origin is granted nothing",
        arguments: ["https://evil.example", "null", "https://good.example.evil", "http://good.example"])
    func denied(_ origin: String) async throws {
        try await withServer([ProbeService()], configuration: Self.open) { served in
            let preflight = try await served.exchange(.options, Probe.echoPath, Self.preflight(origin))
            #expect(preflight.fields["access-control-allow-origin"] == nil)
            #expect(preflight.fields["access-control-allow-headers"] == nil)
            let call = try await served.exchange(
                .post, Probe.echoPath, ["content-type": "application/json", "origin": origin], body: Self.quoted)
            #expect(call.fields["access-control-allow-origin"] == nil)
            #expect(call.fields["vary"] == "origin")
        }
    }

    @Test("the answers to an allowed origin name it, refusals too")
    func echoed() async throws {
        try await withServer([ProbeService()], configuration: Self.open) { served in
            for (path, type) in [
                (Probe.echoPath, "application/json"), (Probe.echoPath, "text/plain"), ("/nobody", "application/json"),
            ] {
                let answer = try await served.exchange(
                    .post, path, ["content-type": type, "origin": "https://good.example"], body: Self.quoted)
                #expect(answer.fields["access-control-allow-origin"] == "https://good.example")
                #expect(answer.fields["vary"] == "origin")
            }
        }
    }

    @Test("without a policy nothing is said of origins")
    func silent() async throws {
        try await withServer([ProbeService()]) { served in
            for method in [HTTPMethod.options, .post] {
                var fields = Self.preflight("https://good.example")
                fields.add("content-type", "application/json")
                let answer = try await served.exchange(
                    method, Probe.echoPath, fields, body: method == .post ? Self.quoted : nil)
                #expect(!answer.fields.contains { $0.name.hasPrefix("access-control") || $0.name == "vary" })
            }
        }
    }
}
