@testable import HTTP
import Loop
internal import RPC
import ServiceKit
import Testing

@testable import Access

/// Says what it is told, and counts how often it is asked.
private final class ScriptedSource: PrincipalSource {
    struct Down: Error {}
    let knows: Lock<KnownPrincipal>
    let finds: Lock<Result<FoundPrincipal, any Error>>
    let asked = Lock(0)

    init(_ known: KnownPrincipal, _ found: Result<FoundPrincipal, any Error>) {
        knows = Lock(known)
        finds = Lock(found)
    }

    func known(_ credential: Credential) -> KnownPrincipal { knows.withLock { $0 } }
    func find(_ credential: Credential) async throws -> FoundPrincipal {
        asked.withLock { $0 += 1 }
        return try finds.withLock { $0 }.get()
    }
}

@Suite("the control", .timeLimit(.minutes(1))) struct AccessControlTests {
    static let grants = Grants(
        principal: Principal(id: EntityID(high: 0, low: 1), kind: .service, name: "bot"), isAdministrator: false,
        memberships: [Membership(Workspace(id: EntityID(high: 0, low: 2), name: "default"), .reader)])

    private func ask(
        _ control: AccessControl, _ requirement: Requirement? = .workspace(.reader), token: String? = nil,
        peer: String = "10.0.0.1:1"
    ) async throws -> Caller {
        var fields = HeaderFields()
        if let token { fields.add("authorization", "Bearer \(token)") }
        return try await control.authorize(requirement, fields: fields, peer: PeerIdentity(address: peer), for: "it")
    }

    @Test("what is known is not asked for")
    func known() async throws {
        let source = ScriptedSource(.found(.granted(Self.grants)), .success(.unknown))
        let caller = try await ask(AccessControl(source), token: AccessToken.make(.service).text.reveal())
        #expect(caller.actor == "service:bot" && caller.role == .reader)
        #expect(source.asked.withLock { $0 } == 0)
    }

    @Test("guesses are refused with the time to wait, without asking, until that is over; others are not")
    func guessing() async throws {
        let clock = ManualClock()
        let source = ScriptedSource(.nothing, .success(.unknown))
        let control = AccessControl(source, limiter: AttemptLimiter(clock: clock))
        func code(_ peer: String = "10.0.0.1:1") async -> RPCCode? {
            await failure(RPCError.self) {
                _ = try await ask(control, token: AccessToken.make(.person).text.reveal(), peer: peer)
            }?.code
        }
        for _ in 0..<6 { #expect(await code() == .unauthenticated) }
        #expect(await code() == .resourceExhausted)
        #expect(await code("10.0.0.1:9999") == .resourceExhausted)
        #expect(source.asked.withLock { $0 } == 6)
        #expect(await code("10.0.0.2:1") == .unauthenticated)
        let error = await failure(RPCError.self) {
            _ = try await ask(control, token: AccessToken.make(.person).text.reveal())
        }
        #expect(error?.metadata["retry-after"] == "1")
        #expect(error?.details.first?.typeName == "google.rpc.RetryInfo")
        clock.advance(by: .seconds(1))
        #expect(await code() == .unauthenticated)
        // The next wait is longer.
        clock.advance(by: .seconds(1))
        #expect(await code() == .resourceExhausted)
        // Who shows the right secret is not kept waiting for those who guess.
        source.knows.withLock { $0 = .proven }
        source.finds.withLock { $0 = .success(.granted(Self.grants)) }
        #expect(await code() == nil)
    }

    @Test("what can't be a token costs neither a question nor a failure, and no error quotes it")
    func malformed() async throws {
        let source = ScriptedSource(.nothing, .success(.unknown))
        let control = AccessControl(source)
        for _ in 0..<50 {
            let error = await failure(RPCError.self) {
                _ = try await ask(control, token: "slw_p_hunter2hunter2hunter2")
            }
            #expect(error?.code == .unauthenticated)
            #expect(error.map { !"\($0)".contains("hunter") } == true)
            #expect(error?.metadata["www-authenticate"]?.contains("invalid_token") == true)
        }
        #expect(source.asked.withLock { $0 } == 0)
    }

    @Test("a source that does not answer is no refusal, and its error is for the log only")
    func down() async throws {
        let heard = Lock<[String]>([])
        let source = ScriptedSource(.nothing, .failure(ScriptedSource.Down()))
        let control = AccessControl(source) { error in heard.withLock { $0.append("\(error)") } }
        let error = await failure(RPCError.self) {
            _ = try await ask(control, token: AccessToken.make(.person).text.reveal())
        }
        #expect(error?.code == .unavailable)
        #expect(heard.withLock { $0 } == ["Down()"])
    }

    @Test("what is for anyone looks at no credential, and what declares nothing is denied without a look")
    func withoutCredential() async throws {
        let source = ScriptedSource(.nothing, .success(.unknown))
        let control = AccessControl(source)
        #expect(try await ask(control, .anyone, token: "rubbish").actor == "anyone")
        let error = await failure(RPCError.self) { _ = try await ask(control, nil, token: "rubbish") }
        #expect(error?.code == .permissionDenied)
        #expect(source.asked.withLock { $0 } == 0)
    }

    @Test("a certificate stands for its principal where no token was sent, and a token counts before it")
    func certificates() async throws {
        let token = AccessToken.make(.person)
        let control = AccessControl(
            StaticPrincipals([
                try .init("name=scorer workspace=default role=contributor certificate=uri:spiffe://slipway/scorer"),
                try .init(
                    "name=ada kind=person workspace=default role=reader token=\(token.proof.digest.hexadecimal)"),
            ]))
        func caller(_ uri: String, _ fields: HeaderFields = [:]) async throws -> String {
            let certificate = PeerCertificate(subject: "CN=scorer", uris: [uri], fingerprint: "00")
            let peer = PeerIdentity(address: "10.0.0.1:1", isEncrypted: true, certificate: certificate)
            let caller = try await control.authorize(.workspace(.reader), fields: fields, peer: peer, for: "it")
            return "\(caller)"
        }
        #expect(try await caller("spiffe://slipway/scorer") == "service:scorer (contributor of default)")
        #expect(
            try await caller("spiffe://slipway/scorer", ["authorization": "Bearer \(token.text.reveal())"])
                == "person:ada (reader of default)")
        // A token that is nobody's does not fall back to the certificate.
        let guess = AccessToken.make(.person).text.reveal()
        for _ in 0..<20 {
            let other = await failure(RPCError.self) { _ = try await caller("spiffe://slipway/other") }
            #expect(other?.code == .unauthenticated)
        }
        let wrong = await failure(RPCError.self) {
            _ = try await caller("spiffe://slipway/scorer", ["authorization": "Bearer \(guess)"])
        }
        #expect(wrong?.code == .unauthenticated)
    }
}
