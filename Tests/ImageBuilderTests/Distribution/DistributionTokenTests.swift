import HTTP
import Loop
import ServiceKit
import Testing

@testable import Access
@testable import Identity
@testable import ImageBuilderCore

@Suite("who may fetch images, and how they say so", .timeLimit(.minutes(5))) struct DistributionTokenTests {
    private static let proof = AccessToken.make(.person).proof

    @Test("a ticket holds what was sealed in it until it expires, and only with the key that made it")
    func tickets() throws {
        let tickets = AccessTickets(key: Array(repeating: 1, count: 32))
        let ticket = AccessTicket(token: Self.proof, scopes: ["lab", "*"], expires: 1000)
        let text = tickets.seal(ticket)
        #expect(tickets.open(text, at: 999) == ticket)
        #expect(tickets.open(text, at: 1000) == nil)
        #expect(AccessTickets(key: Array(repeating: 2, count: 32)).open(text, at: 0) == nil)
        // A bit of it changed, anywhere.
        let bytes = Array(text.utf8)
        for index in bytes.indices {
            var changed = bytes
            changed[index] = changed[index] == 0x41 ? 0x42 : 0x41
            #expect(tickets.open(String(decoding: changed, as: UTF8.self), at: 0) == nil, "byte \(index)")
        }
        for cut in 0..<bytes.count {
            #expect(tickets.open(String(decoding: bytes[..<cut], as: UTF8.self), at: 0) == nil)
        }
    }

    @Test("what clients want a ticket for")
    func scopes() {
        #expect(DistributionScope.places(["repository:lab/churn:pull"]) == ["lab"])
        #expect(
            DistributionScope.places(["repository:lab/churn:pull,push", "repository:attic/a/b:pull"]) == [
                "lab", "attic",
            ])
        #expect(DistributionScope.places(["repository:lab/a:pull repository:attic/b:pull"]) == ["lab", "attic"])
        #expect(DistributionScope.places(["registry:catalog:*"]) == ["*"])
        #expect(DistributionScope.places(["", "repository", "repository:", "repository:churn:pull", "a:b:c"]) == [])
    }

    @Test("whoever shows nothing hears where to get a ticket and for what")
    func challenge() async throws {
        try await withDistribution { web in
            let root = try await web.send(.get, "/v2/")
            #expect(root.status == 401 && root.code == "UNAUTHORIZED")
            let realm = "Bearer realm=\"http://\(web.address)/v2/token\",service=\"slipway\""
            #expect(root.fields["www-authenticate"] == realm)
            let image = try await web.send(.get, "/v2/lab/churn/manifests/1")
            #expect(
                image.status == 401
                    && image.fields["www-authenticate"] == realm + ",scope=\"repository:lab/churn:pull\"")
            let list = try await web.send(.get, "/v2/_catalog")
            #expect(list.fields["www-authenticate"] == realm + ",scope=\"registry:catalog:*\"")
            let token = try await web.send(.get, "/v2/token")
            #expect(token.status == 401 && token.fields["www-authenticate"] == "Basic realm=\"slipway\"")
        }
    }

    @Test("a ticket reads the workspaces that it was asked for, for a while, and makes no other")
    func limits() async throws {
        try await withDistribution { web in
            let fixture = web.fixture
            let token = try await fixture.member("ada", [(fixture.lab, .owner), (fixture.attic, .reader)]).token
            try await fixture.record("churn", [fixture.layer([("m", "1")])])
            try await fixture.record("churn", [fixture.layer([("m", "2")])], in: fixture.attic)
            let ticket = try await web.ticket(token, scope: "repository:lab/churn:pull")
            #expect(try await web.send(.get, "/v2/", authorization: ticket).status == 200)
            #expect(try await web.send(.get, "/v2/lab/churn/manifests/1", authorization: ticket).status == 200)
            let other = try await web.send(.get, "/v2/attic/churn/manifests/1", authorization: ticket)
            #expect(other.status == 401)
            #expect(other.fields["www-authenticate"]?.contains("scope=\"repository:attic/churn:pull\"") == true)
            #expect(try await web.send(.get, "/v2/_catalog", authorization: ticket).status == 401)
            let everything = try await web.ticket(token, scope: "registry:catalog:*")
            #expect(try await web.send(.get, "/v2/_catalog", authorization: everything).status == 200)
            #expect(try await web.send(.get, "/v2/token", authorization: ticket).status == 401)
            web.clock.withLock { $0 += 299 }
            #expect(try await web.send(.get, "/v2/lab/churn/manifests/1", authorization: ticket).status == 200)
            web.clock.withLock { $0 += 1 }
            let late = try await web.send(.get, "/v2/lab/churn/manifests/1", authorization: ticket)
            #expect(late.status == 401 && late.fields["www-authenticate"]?.contains("invalid_token") == true)
        }
    }

    @Test("a ticket is worth nothing once its token is revoked")
    func revoked() async throws {
        try await withImages { fixture in
            let control = AccessControl(IdentitySource(fixture.pool))
            let ada = try await fixture.member("ada", [(fixture.lab, .reader)])
            let tickets = AccessTickets(key: Array(repeating: 1, count: 32))
            let proof = try #require(TokenProof(ada.token.reveal()))
            let text = tickets.seal(AccessTicket(token: proof, scopes: ["lab"], expires: 10))
            let opened = try #require(tickets.open(text, at: 0))
            try await fixture.identity.revokeToken(ada.tokenID, by: ImagesFixture.change)
            let error = await #expect(throws: (any Error).self) {
                _ = try await control.authorize(
                    .workspace(.reader), token: opened.token, peer: PeerIdentity(address: "127.0.0.1:1"),
                    workspace: "lab", for: "a pull")
            }
            #expect(error.flatMap { DistributionError($0)?.status } == 401)
        }
    }

    @Test("a token is taken behind Bearer, as a password behind Basic, and in the form that OAuth posts")
    func forms() async throws {
        try await withDistribution { web in
            let fixture = web.fixture
            let token = try await fixture.member("ada", [(fixture.lab, .reader)]).token
            try await fixture.record("churn", [fixture.layer([("m", "1")])])
            for authorization in [DistributionWeb.bearer(token), DistributionWeb.basic(token)] {
                let answer = try await web.send(.get, "/v2/lab/churn/manifests/1", authorization: authorization)
                #expect(answer.status == 200)
            }
            let form =
                "grant_type=password&service=slipway&username=x&password=\(token.reveal())"
                + "&scope=repository%3Alab%2Fchurn%3Apull"
            let posted = try await web.send(
                .post, "/v2/token", ["content-type": "application/x-www-form-urlencoded"], .bytes(Array(form.utf8)))
            let ticket = "Bearer " + (try #require(posted.member("access_token"), "\(posted.text)"))
            #expect(try await web.send(.get, "/v2/lab/churn/manifests/1", authorization: ticket).status == 200)
        }
    }

    @Test(
        "what proves nothing is refused without telling why it is wrong",
        arguments: [
            "Bearer", "Bearer x", "Bearer slt_", "Bearer slt_AAAA", "Basic", "Basic x", "Basic eA==", "Basic eDp5",
            "Digest a=b", "", "Negotiate",
        ])
    func garbage(authorization: String) async throws {
        try await withDistribution { web in
            for path in ["/v2/", "/v2/lab/churn/manifests/1", "/v2/token"] {
                let answer = try await web.send(.get, path, authorization: authorization)
                #expect(answer.status == 401 && answer.code == "UNAUTHORIZED", "\(path): \(answer.text)")
                #expect(answer.fields["www-authenticate"] != nil)
            }
        }
    }
}
