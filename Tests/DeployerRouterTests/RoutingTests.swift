import Access
import Contracts
import HTTP
import Testing

@testable import DeployerRouter

@Suite("Finding and asking a deployment", .serialized)
struct RoutingTests {
    @Test("the path's prefix, the host and the field lead to the deployment, and only the prefix is taken off")
    func addresses() async throws {
        try await RouterFixture.run { fixture in
            let replica = TestReplica("one")
            var route = Route.sample([1: [try await replica.start(on: fixture.loops)]])
            route.host = "Churn.Example.COM"
            try await fixture.adopt(route)
            let byPath = try await fixture.ask("/endpoints/acme/churn/score?a=b")
            #expect(byPath.text == "one GET /score?a=b\n")
            let bare = try await fixture.ask("/endpoints/acme/churn?a=b")
            #expect(bare.text == "one GET /?a=b\n")
            for host in ["churn.acme.example.test", "CHURN.acme.example.test:7080", "churn.example.com."] {
                let byHost = try await fixture.ask("/score", host: host)
                #expect(byHost.text == "one GET /score\n", "\(host)")
            }
            let byField = try await fixture.ask("/endpoints/x", fields: ["slipway-deployment": "acme/churn"])
            #expect(byField.text == "one GET /endpoints/x\n")
            await replica.stop()
        }
    }

    @Test(
        "a replica sees its own key, the caller's address and the request's name, and nothing that was for the router")
    func fields() async throws {
        try await RouterFixture.run { fixture in
            let replica = TestReplica("one")
            try await fixture.adopt(.sample([1: [try await replica.start(on: fixture.loops)]]))
            let answer = try await fixture.ask(
                "/endpoints/acme/churn/score", .post,
                fields: [
                    "x-request-id": "mine", "x-forwarded-for": "10.0.0.1", "proxy-authorization": "Basic eA==",
                    "slipway-revision": "1",
                    "accept": "text/plain",
                ], body: Array("payload".utf8))
            #expect(answer.text == "one POST /score\npayload")
            #expect(answer.fields["x-request-id"] == "mine")
            #expect(answer.fields["slipway-revision"] == "1")
            let head = try #require(replica.heads.withLock { $0.last })
            #expect(head.fields.values("authorization") == ["Bearer key"], "the replica's key, unsealed")
            #expect(head.fields["x-request-id"] == "mine")
            #expect(head.fields["x-forwarded-for"] == "10.0.0.1, 127.0.0.1")
            #expect(head.fields["x-forwarded-prefix"] == "/endpoints/acme/churn")
            #expect(head.fields["accept"] == "text/plain")
            for name in ["proxy-authorization", "slipway-revision"] { #expect(head.fields[name] == nil) }
            await replica.stop()
        }
    }

    @Test("fields that the Connection field lists stay on their connection")
    func hopByHop() {
        let head = RequestHead(
            method: .get, authority: "a", path: "/",
            fields: ["connection": "x-secret , Keep-Alive", "x-secret": "1", "x-other": "2", "upgrade": "h2c"])
        let fields = ForwardedFields.request(
            head, peer: PeerIdentity(address: "[::1]:4711"), requestID: "r", prefix: nil, authorization: nil)
        #expect(fields["x-secret"] == nil && fields["connection"] == nil && fields["upgrade"] == nil)
        #expect(fields["x-other"] == "2" && fields["x-forwarded-for"] == "::1")
        let answer = ForwardedFields.answer(ResponseHead(status: 200, fields: head.fields))
        #expect(answer.map(\.name) == ["x-other"])
    }

    @Test("without a key that opens it a deployment that is there and one that is not are answered alike: 401")
    func strangers() async throws {
        try await RouterFixture.run { fixture in
            var route = Route.sample([1: ["127.0.0.1:1"]])
            route.access?.keys.append(
                .init(
                    digest: .init(SHA256Digest(of: Array("old".utf8)).bytes), name: "7", until: .init(seconds: 999_999))
            )
            try await fixture.adopt(route)
            for key in [nil, "wrong", "old"] {
                let there = try await fixture.ask("/endpoints/acme/churn/score", key: key)
                let nowhere = try await fixture.ask("/endpoints/acme/other/score", key: key)
                #expect(there.status == 401 && nowhere.status == 401, "\(key ?? "none")")
                #expect(there.text == nowhere.text)
                #expect(there.fields["www-authenticate"] != nil)
            }
            let call = try await fixture.ask(
                "/endpoints/acme/churn/score", .post, key: nil, fields: ["content-type": "application/grpc"], body: [0])
            #expect(call.status == 200 && call.fields["grpc-status"] == "16")
        }
    }

    @Test("who has a key of the workspace hears what it opens where a name is wrong, and which revisions there are")
    func notFound() async throws {
        try await RouterFixture.run { fixture in
            try await fixture.adopt(.sample([1: ["127.0.0.1:1"], 3: []]))
            let name = try await fixture.ask("/endpoints/acme/chrun/score")
            #expect(name.status == 404 && name.text.contains("your key opens churn"), "\(name.text)")
            let workspace = try await fixture.ask("/endpoints/other/churn/score")
            #expect(workspace.status == 401)
            let revision = try await fixture.ask("/endpoints/acme/churn/score", fields: ["slipway-revision": "2"])
            #expect(revision.status == 404 && revision.text.contains("there is 1, 3"), "\(revision.text)")
            let nothing = try await fixture.ask("/score")
            #expect(nothing.status == 404 && nothing.text.contains("/endpoints/WORKSPACE/NAME/"))
            let malformed = try await fixture.ask("/score", fields: ["slipway-deployment": "churn"])
            #expect(malformed.status == 400)
        }
    }

    @Test("an open deployment is asked without a key, and keys end at the router")
    func open() async throws {
        try await RouterFixture.run { fixture in
            let replica = TestReplica("one")
            try await fixture.adopt(.sample(key: nil, [1: [try await replica.start(on: fixture.loops)]]))
            for key in [nil, "anything"] {
                let answer = try await fixture.ask("/endpoints/acme/churn/", key: key)
                #expect(answer.status == 200)
            }
            #expect(replica.heads.withLock { $0 }.allSatisfy { $0.fields.values("authorization") == ["Bearer key"] })
            await replica.stop()
        }
    }

    @Test("a call of gRPC passes with its trailers both ways, from HTTP/2 to HTTP/2")
    func calls() async throws {
        try await RouterFixture.run(client: .http2) { fixture in
            let replica = TestReplica("one")
            try await fixture.adopt(.sample([1: [try await replica.start(on: fixture.loops)]]))
            let answer = try await fixture.ask(
                "/inference.GRPCInferenceService/ServerLive", .post,
                fields: ["content-type": "application/grpc", "te": "trailers", "slipway-deployment": "acme/churn"],
                body: [0, 0, 0, 0, 0])
            #expect(answer.trailers?["grpc-status"] == "0")
            #expect(replica.heads.withLock { $0.last?.version } == .http2)
            #expect(replica.heads.withLock { $0.last?.fields["te"] } == "trailers")
            await replica.stop()
        }
    }

    @Test("10 MiB pass both ways, over each pair of protocols", arguments: [false, true], [false, true])
    func largeBodies(_ isHTTP2: Bool, _ isReplicaHTTP2: Bool) async throws {
        var settings = RouterSettings()
        settings.replicaProtocol = isReplicaHTTP2 ? .http2 : .http11
        try await RouterFixture.run(settings, client: isHTTP2 ? .http2 : .http11) { fixture in
            let replica = TestReplica("one")
            try await fixture.adopt(.sample([1: [try await replica.start(on: fixture.loops)]]))
            let body = (0..<10 * 1024 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3 & 0x7f) }
            let answer = try await fixture.ask("/endpoints/acme/churn/score", .post, body: body)
            #expect(answer.status == 200)
            #expect(answer.text.utf8.count == body.count + "one POST /score\n".utf8.count)
            let isWhole = answer.text.utf8.suffix(body.count).elementsEqual(body)
            #expect(isWhole)
            await replica.stop()
        }
    }

    @Test("a body over the limit is refused by its length, and by what came of it where no length was told")
    func bodyLimit() async throws {
        var settings = RouterSettings()
        settings.bodyBytesMax = 1000
        try await RouterFixture.run(settings) { fixture in
            let replica = TestReplica("one")
            try await fixture.adopt(.sample([1: [try await replica.start(on: fixture.loops)]]))
            let told = try await fixture.ask(
                "/endpoints/acme/churn/", .post, body: [UInt8](repeating: 65, count: 1001))
            #expect(told.status == 413 && told.text.contains("limits.body"))
            let fits = try await fixture.ask("/endpoints/acme/churn/", .post, body: [UInt8](repeating: 65, count: 1000))
            #expect(fits.status == 200)
            await replica.stop()
        }
    }
}
