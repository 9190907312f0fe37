import Loop
import ServiceKit
import Testing

@testable import Access
@testable import HTTP
@testable import Identity
@testable import Postgres

extension KnownPrincipal {
    var text: String {
        switch self {
        case .found(let found): "found \(found.text)"
        case .proven: "proven"
        case .nothing: "nothing"
        }
    }
}

extension FoundPrincipal {
    var text: String {
        switch self {
        case .granted(let grants): "\(grants.principal)"
        case .lapsed: "lapsed"
        case .unknown: "unknown"
        }
    }
}

@Suite("principals from the database", .serialized, .timeLimit(.minutes(5))) struct IdentitySourceTests {
    private func credential(_ token: Secret) throws -> Credential { .token(try #require(TokenProof(token.reveal()))) }

    /// The same token with another secret: its number is right, and so is its checksum.
    private func forged(_ token: Secret) throws -> Credential {
        let proof = try #require(TokenProof(token.reveal()))
        return .token(TokenProof(kind: proof.kind, number: proof.number, digest: SHA256Digest(of: [1])))
    }

    @Test("a token is asked for once, then known, and a guess at it is not")
    func caching() async throws {
        try await withFixture { fixture in
            let (_, token) = try await fixture.member("ada")
            let source = IdentitySource(fixture.pool)
            let right = try credential(token)
            let wrong = try forged(token)
            // Each thread has its own table: this is one thread.
            try await onLoop(fixture.loops.loops[0]) {
                #expect(source.known(right).text == "nothing")
                let found1 = try await source.find(wrong).text
                #expect(found1 == "unknown")
                #expect(source.known(right).text == "found person:ada")
                #expect(source.known(wrong).text == "found unknown")
                let found2 = try await source.find(right).text
                #expect(found2 == "person:ada")
                let nobody = Credential.token(AccessToken.make(.person).proof)
                let found3 = try await source.find(nobody).text
                #expect(found3 == "unknown")
                #expect(source.known(nobody).text == "found unknown")
            }
            #expect(try await fixture.store.tokens(of: try await principal(fixture, "ada").id).first?.lastUsed != nil)
        }
    }

    private func principal(_ fixture: Fixture, _ name: String) async throws -> Principal {
        try #require(try await fixture.store.principals().first { $0.principal.name == name }).principal
    }

    private func onLoop(_ loop: EventLoop, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await Task(executorPreference: loop) { try await body() }.value
    }

    @Test("what is known grows old: one asks anew while the others go on, and then it counts for nothing")
    func ageing() async throws {
        try await withFixture { fixture in
            let (_, token) = try await fixture.member("ada")
            let clock = ManualClock()
            let source = IdentitySource(fixture.pool, clock: clock)
            let right = try credential(token)
            let wrong = try forged(token)
            try await onLoop(fixture.loops.loops[0]) {
                _ = try await source.find(right)
                clock.advance(by: .seconds(9))
                #expect(source.known(right).text == "found person:ada")
                clock.advance(by: .seconds(1))
                #expect(source.known(right).text == "proven")
                #expect(source.known(right).text == "found person:ada")
                #expect(source.known(wrong).text == "found unknown")
                clock.advance(by: .seconds(5))
                #expect(source.known(right).text == "proven")
                #expect(source.known(wrong).text == "nothing")
                _ = try await source.find(right)
                #expect(source.known(right).text == "found person:ada")
            }
        }
    }

    @Test("a token counts until the moment it expires, not until it is asked for again")
    func expiry() async throws {
        try await withFixture { fixture in
            let (ada, _) = try await fixture.member("ada")
            let clock = ManualClock()
            let source = IdentitySource(fixture.pool, clock: clock)
            let issued = try await fixture.token(TokenRequest(ada.id, name: "short", lifetime: .seconds(3600)))
            let right = try credential(issued.text)
            try await fixture.pool.execute(
                "UPDATE identity.tokens SET expires = now() + interval '5 minutes' WHERE id = \(issued.id)")
            try await onLoop(fixture.loops.loops[0]) {
                var limits = IdentitySource.Limits()
                limits.lifetime = .seconds(86400)
                let patient = IdentitySource(fixture.pool, limits: limits, clock: clock)
                _ = try await patient.find(right)
                #expect(patient.known(right).text == "found person:ada")
                clock.advance(by: .seconds(300))
                #expect(patient.known(right).text == "proven")
                try await fixture.pool.execute(
                    "UPDATE identity.tokens SET expires = now() - interval '1 second' WHERE id = \(issued.id)")
                let found4 = try await source.find(right).text
                #expect(found4 == "lapsed")
                #expect(source.known(right).text == "found lapsed")
            }
        }
    }

    @Test("a revocation, a change of role and a disabled principal are heard at once")
    func hearing() async throws {
        try await withFixture { fixture in
            let (ada, token) = try await fixture.member("ada")
            let lab = try await fixture.store.createWorkspace("lab", owner: ada.id, by: Fixture.change)
            let (ben, bens) = try await fixture.member("ben", [(lab, .reader)])
            var limits = IdentitySource.Limits()
            // Nothing but the news makes it forget.
            limits.lifetime = .seconds(86400)
            let source = IdentitySource(fixture.pool, limits: limits)
            let listening = Task { try await source.run() }
            defer { listening.cancel() }
            let adas = try credential(token)
            let bensCredential = try credential(bens)
            func known(_ credential: Credential) async throws -> String {
                try await Task(executorPreference: fixture.loops.loops[0]) {
                    let known = source.known(credential)
                    if case .found(.granted(let grants)) = known {
                        return "\(grants.member(of: "lab")?.role ?? .none)"
                    }
                    if case .nothing = known { _ = try await source.find(credential) }
                    return known.text
                }.value
            }
            // The listener's beginning makes it forget everything once: from then on it is told.
            try await eventually("it listens") {
                try await fixture.pool.query(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                ).all(Int.self) == [1]
            }
            try await eventually("known") { try await known(adas) == "owner" }
            try await eventually("known") { try await known(bensCredential) == "reader" }
            try await fixture.store.setRole(.contributor, of: ben.id, in: lab.id, by: Fixture.change)
            try await eventually("the new role") { try await known(bensCredential) == "contributor" }
            try await fixture.store.setDisabled(true, ben.id, by: Fixture.change)
            try await eventually("disabled") { try await known(bensCredential) == "found lapsed" }
            let id = try #require(TokenProof(token.reveal())).id
            try await fixture.store.revokeToken(id, by: Fixture.change)
            try await eventually("revoked") { try await known(adas) == "found lapsed" }
            listening.cancel()
            _ = await listening.result
        }
    }

    @Test("what was read before something was forgotten is not kept after")
    func races() {
        let cache = IdentityCache(entries: 10)
        let proof = AccessToken.make(.person).proof
        let far = LoopInstant(nanoseconds: .max)
        let entry = IdentityCache.Entry(
            digest: proof.digest, found: .lapsed, principal: nil, refresh: far, end: far)
        let now = LoopInstant(nanoseconds: 0)
        let before = cache.epoch
        cache.forget(.token(1))
        cache.keep(.token(proof.number), entry, since: before)
        #expect(cache.known(.token(proof), now: now).text == "nothing")
        cache.keep(.token(proof.number), entry, since: cache.epoch)
        #expect(cache.known(.token(proof), now: now).text == "found lapsed")
    }

    @Test("a certificate is whoever its most telling name belongs to")
    func certificates() async throws {
        try await withFixture { fixture in
            let (scorer, _) = try await fixture.member("scorer", kind: .service)
            let (monitor, _) = try await fixture.member("monitor", kind: .service)
            try await fixture.store.setCertificate("uri:spiffe://slipway/scorer", scorer.id, by: Fixture.change)
            try await fixture.store.setCertificate("dns:host", monitor.id, by: Fixture.change)
            let source = IdentitySource(fixture.pool)
            func found(_ uris: [String], _ names: [String], _ fingerprint: String) async throws -> String {
                let certificate = PeerCertificate(
                    subject: "CN=scorer", commonName: "scorer", dnsNames: names, uris: uris, fingerprint: fingerprint)
                return try await source.find(.certificate(certificate)).text
            }
            #expect(try await found(["spiffe://slipway/scorer"], ["host"], "1") == "service:scorer")
            #expect(try await found([], ["host"], "2") == "service:monitor")
            #expect(try await found(["spiffe://slipway/other"], ["scorer"], "3") == "unknown")
            try await fixture.store.setDisabled(true, scorer.id, by: Fixture.change)
            #expect(try await found(["spiffe://slipway/scorer"], [], "4") == "lapsed")
        }
    }
}
