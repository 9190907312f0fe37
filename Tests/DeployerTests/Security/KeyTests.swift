import Access
import Contracts
import Protobuf
import RPC
import Testing

@testable import DeployerCore
@testable import Postgres

@Suite("keys and tokens of endpoints", .timeLimit(.minutes(5))) struct KeyTests {
    private func digests(_ desk: Desk) async throws -> [String: [UInt8]] {
        let keys = try await desk.route()?.access?.keys ?? []
        return Dictionary(uniqueKeysWithValues: keys.map { ($0.name, Array($0.digest)) })
    }

    private func digest(_ text: String) -> [UInt8] { SHA256Digest(of: Array(text.utf8)).bytes }

    @Test("keys that are read are those of the route, and who read them is written down")
    func read() async throws {
        try await withDesk { desk in
            try await desk.create()
            let keys = try await desk.deployments.readKeys(.init(name: "churn"))
            let known = try await digests(desk)
            #expect(known["primary"] == digest(keys.primary))
            #expect(known["secondary"] == digest(keys.secondary))
            #expect(try await desk.fixture.actions().last == "deployment.keys-read deployments/churn")
            let texts = try await desk.pool.query("SELECT encode(sealed, 'escape') FROM deployments.endpoint_keys")
                .all(String.self)
            #expect(!texts.contains { $0.contains(keys.primary) })
        }
    }

    @Test("one made anew replaces itself alone")
    func regenerate() async throws {
        try await withDesk { desk in
            try await desk.create()
            let before = try await desk.deployments.readKeys(.init(name: "churn"))
            let after = try await desk.deployments.regenerateKey(.init(name: "churn", key: .secondary))
            #expect(after.primary == before.primary)
            #expect(after.secondary != before.secondary)
            #expect(try await digests(desk)["secondary"] == digest(after.secondary))
            let refusal = await failure { _ = try await desk.deployments.regenerateKey(.init(name: "churn")) }
            #expect(refusal?.code == .invalidArgument)
        }
    }

    @Test("a token is in the route with its end, can't be had again, and there are only so many")
    func tokens() async throws {
        try await withDesk(limits: .init(tokens: 2)) { desk in
            try await desk.create()
            let token = try await desk.deployments.issueEndpointToken(.init(name: "churn"))
            let keys = try await desk.route()?.access?.keys ?? []
            let kept = keys.first { Array($0.digest) == digest(token.token) }
            #expect(kept?.until == token.until)
            #expect(kept != nil)
            let sealed = try await desk.pool.query(
                "SELECT sealed IS NULL FROM deployments.endpoint_keys WHERE kind = 'token'"
            ).all(Bool.self)
            #expect(sealed == [true])
            _ = try await desk.deployments.issueEndpointToken(.init(name: "churn"))
            let many = await failure { _ = try await desk.deployments.issueEndpointToken(.init(name: "churn")) }
            #expect(many?.code == .resourceExhausted)
            let long = await failure {
                _ = try await desk.deployments.issueEndpointToken(
                    .init(name: "churn", lifetime: .init(seconds: 400 * 86_400)))
            }
            #expect(long?.code == .invalidArgument)
        }
    }
}
