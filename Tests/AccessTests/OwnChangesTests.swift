import Loop
import ServiceKit
import Testing

@testable import Access
@testable import HTTP
@testable import Identity
@testable import Postgres

@Suite("a process that changes who may do what meets its own changes", .serialized, .timeLimit(.minutes(5)))
struct OwnChangesTests {
    /// A source that hears nothing from the database and by itself forgets nothing, with a store that tells it.
    private struct Process {
        let source: IdentitySource
        let store: IdentityStore
        let loop: EventLoop

        init(_ fixture: Fixture) {
            var limits = IdentitySource.Limits()
            limits.lifetime = .seconds(86400)
            source = IdentitySource(fixture.pool, limits: limits)
            store = IdentityStore(fixture.pool, source: source)
            loop = fixture.loops.loops[0]
        }

        /// What a call would meet: what is known, and only where nothing is, what is found. On one thread, because each
        /// has its own table.
        func meets(_ credential: Credential) async throws -> String {
            try await Task(executorPreference: loop) { [source] in
                let found: FoundPrincipal
                if case .found(let known) = source.known(credential) {
                    found = known
                } else {
                    found = try await source.find(credential)
                }
                guard case .granted(let grants) = found else { return found.text }
                let places = ["default", "lab"].compactMap { (name: String) in
                    grants.member(of: name).map { "\(name):\($0.role)" }
                }
                return ([grants.isAdministrator ? "administrator" : "principal"] + places).joined(separator: " ")
            }.value
        }
    }

    private func credential(_ token: Secret) throws -> Credential { .token(try #require(TokenProof(token.reveal()))) }

    @Test("each change counts from the next call on, though the database has not told of it yet")
    func counting() async throws {
        try await withFixture { fixture in
            let process = Process(fixture)
            let store = process.store
            let (ada, adas) = try await fixture.member("ada")
            let (ben, bens) = try await fixture.member("ben")
            let (first, second) = (try credential(adas), try credential(bens))
            #expect(try await process.meets(first) == "principal")
            #expect(try await process.meets(second) == "principal")

            let lab = try await store.createWorkspace("lab", owner: ada.id, by: Fixture.change)
            #expect(try await process.meets(first) == "principal lab:owner")
            try await store.setRole(.reader, of: ben.id, in: lab.id, by: Fixture.change)
            #expect(try await process.meets(second) == "principal lab:reader")
            try await store.setArchived(true, lab.id, by: Fixture.change)
            #expect(try await process.meets(first) == "principal lab:reader")
            try await store.setArchived(false, lab.id, by: Fixture.change)
            #expect(try await process.meets(first) == "principal lab:owner")
            try await store.setRole(.none, of: ben.id, in: lab.id, by: Fixture.change)
            #expect(try await process.meets(second) == "principal")
            try await store.setAdministrator(true, ben.id, by: Fixture.change)
            #expect(try await process.meets(second) == "administrator")
            try await store.setAdministrator(true, ada.id, by: Fixture.change)
            #expect(try await process.meets(first) == "administrator lab:owner")
            try await store.setAdministrator(false, ben.id, by: Fixture.change)
            #expect(try await process.meets(second) == "principal")
            try await store.setDisabled(true, ben.id, by: Fixture.change)
            #expect(try await process.meets(second) == "lapsed")
            try await store.setDisabled(false, ben.id, by: Fixture.change)
            #expect(try await process.meets(second) == "principal")
            try await store.revokeToken(try #require(TokenProof(bens.reveal())).id, by: Fixture.change)
            #expect(try await process.meets(second) == "lapsed")
        }
    }

    @Test("a certificate that was nobody's is its principal's from the next call on, and then nobody's again")
    func certificates() async throws {
        try await withFixture { fixture in
            let process = Process(fixture)
            let (scorer, _) = try await fixture.member("scorer", kind: .service)
            let shown = Credential.certificate(
                PeerCertificate(
                    subject: "CN=scorer", commonName: "scorer", dnsNames: ["scorer"], uris: [], fingerprint: "1"))
            #expect(try await process.meets(shown) == "unknown")
            try await process.store.setCertificate("dns:scorer", scorer.id, by: Fixture.change)
            #expect(try await process.meets(shown) == "principal")
            try await process.store.setCertificate("dns:scorer", nil, by: Fixture.change)
            #expect(try await process.meets(shown) == "unknown")
        }
    }

    @Test("a suite's first administrator is one from the next call on")
    func bootstrap() async throws {
        try await withFixture { fixture in
            let process = Process(fixture)
            let name = IdentityStore.firstPrincipal
            let (_, token) = try await fixture.member(name)
            #expect(try await process.meets(try credential(token)) == "principal")
            _ = try await process.store.bootstrap { _ in }
            #expect(try await process.meets(try credential(token)) == "administrator default:owner")
        }
    }

    @Test("what others change in the database is told in words, and what is not understood touches everything")
    func words() {
        let proof = AccessToken.make(.person).proof
        let id = "00000000-0000-0001-0000-000000000002"
        #expect(IdentityNews(payload: "token \(proof.id)") == .token(proof.number))
        #expect(IdentityNews(payload: "principal \(id)") == .principal(EntityID(high: 1, low: 2)))
        for payload in ["all", "", "token", "token ?", "principal", "principal ada", "place \(id)"] {
            #expect(IdentityNews(payload: payload) == .everything)
        }
    }
}
