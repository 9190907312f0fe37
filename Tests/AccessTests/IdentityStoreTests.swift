import Glibc
import Loop
import ServiceKit
import Testing

@testable import Access
@testable import Identity
@testable import Postgres

@Suite("identity in the database", .serialized, .timeLimit(.minutes(5))) struct IdentityStoreTests {
    @Test("every change is in the journal with who made it and why")
    func journal() async throws {
        try await withFixture { fixture in
            let store = fixture.store
            let ada = try await store.createPrincipal("ada", kind: .person, by: Fixture.change)
            let lab = try await store.createWorkspace("lab", owner: ada.id, by: Fixture.change)
            let bot = try await store.createPrincipal("bot", kind: .service, by: Fixture.change)
            try await store.setRole(.contributor, of: bot.id, in: lab.id, by: Fixture.change)
            try await store.setRole(.contributor, of: bot.id, in: lab.id, by: Fixture.change)
            try await store.setRole(.none, of: bot.id, in: lab.id, by: Fixture.change)
            try await store.setAdministrator(true, ada.id, by: Fixture.change)
            let token = try await fixture.token(TokenRequest(bot.id, name: "ci", workspace: lab.id, ceiling: .reader))
            try await store.revokeToken(token.id, by: Fixture.change)
            try await store.revokeToken(token.id, by: Fixture.change)
            try await store.setCertificate("dns:bot", bot.id, by: Fixture.change)
            try await store.setCertificate("dns:bot", nil, by: Fixture.change)
            try await store.setArchived(true, lab.id, by: Fixture.change)
            try await store.setDisabled(true, bot.id, by: Fixture.change)
            #expect(
                try await fixture.actions() == [
                    "identity.principal.create principals/ada", "identity.workspace.create workspaces/lab",
                    "identity.principal.create principals/bot", "identity.member.set workspaces/lab/members/bot",
                    "identity.member.set workspaces/lab/members/bot", "identity.administrator.add principals/ada",
                    "identity.token.issue tokens/\(token.id)", "identity.token.revoke tokens/\(token.id)",
                    "identity.certificate.set certificates/dns:bot", "identity.certificate.set certificates/dns:bot",
                    "identity.workspace.archive workspaces/lab", "identity.principal.disable principals/bot",
                ])
            let entries = try await fixture.entries()
            try #require(entries.count == 12)
            #expect(entries.allSatisfy { $0.actor == "person:test" && $0.reason == "to see" })
            #expect(entries[3].workspace == "lab" && entries[3].before == PostgresJSON("{\"role\": \"none\"}"))
            #expect(entries[3].after == PostgresJSON("{\"role\": \"contributor\"}"))
        }
    }

    @Test("what was made is listed, tokens without what makes them one")
    func lists() async throws {
        try await withFixture { fixture in
            let store = fixture.store
            let ada = try await store.createPrincipal("ada", kind: .person, by: Fixture.change)
            let lab = try await store.createWorkspace("lab", owner: ada.id, by: Fixture.change)
            _ = try await store.createWorkspace("attic", owner: ada.id, by: Fixture.change)
            let bot = try await store.createPrincipal("bot", kind: .deployment, by: Fixture.change)
            try await store.setRole(.reader, of: bot.id, in: lab.id, by: Fixture.change)
            #expect(try await store.principals().map(\.principal) == [ada, bot])
            #expect(try await store.workspaces().map(\.workspace.name) == ["attic", "lab"])
            #expect(try await store.workspaces(of: bot.id).map(\.workspace) == [lab])
            let members = try await store.members(of: lab.id)
            #expect(members.map { "\($0.principal) \($0.role)" } == ["person:ada owner", "deployment:bot reader"])
            let token = try await fixture.token(
                TokenRequest(bot.id, name: "edge", lifetime: .seconds(3600), workspace: lab.id, ceiling: .reader))
            let record = try #require(try await store.tokens(of: bot.id).first)
            #expect(record.id == token.id && record.name == "edge" && record.workspace == "lab")
            #expect(record.ceiling == .reader && record.revoked == nil && record.lastUsed == nil)
            let expires = try #require(record.expires)
            #expect(expires.microseconds - record.created.microseconds == 3_600_000_000)
            #expect(!"\(record)\(token)".contains(token.text.reveal().dropFirst(16)))
        }
    }

    @Test("names that are taken or can't stand in a path are refused, and so is what is not there")
    func refusals() async throws {
        try await withFixture { fixture in
            let store = fixture.store
            let ada = try await store.createPrincipal("ada", kind: .person, by: Fixture.change)
            func refusal(_ body: () async throws -> Void) async -> IdentityError? {
                await failure(IdentityError.self, body)
            }
            #expect(
                await refusal { _ = try await store.createPrincipal("ada", kind: .service, by: Fixture.change) }
                    == .taken("principal", "ada"))
            for name in ["", "Ada", "a b", "-a", "a/b", "ä", String(repeating: "a", count: 129)] {
                guard
                    case .malformed? = await refusal({
                        _ = try await store.createPrincipal(name, kind: .person, by: Fixture.change)
                    })
                else {
                    Issue.record("\(name) was taken")
                    continue
                }
            }
            for name in ["", "a_b", "a.b", "lab-", String(repeating: "a", count: 64)] {
                guard
                    case .malformed? = await refusal({
                        _ = try await store.createWorkspace(name, owner: ada.id, by: Fixture.change)
                    })
                else {
                    Issue.record("\(name) was taken")
                    continue
                }
            }
            let nobody = EntityID(high: 1, low: 1)
            #expect(
                await refusal { _ = try await store.createWorkspace("w", owner: nobody, by: Fixture.change) }
                    == .notFound("principal", "\(nobody)"))
            #expect(
                await refusal { try await store.revokeToken("0000000000", by: Fixture.change) }
                    == .notFound("token", "0000000000"))
            #expect(try await fixture.actions() == ["identity.principal.create principals/ada"])
        }
    }

    @Test("the last owner and the last administrator who can sign in stay, by whatever way they would go")
    func last() async throws {
        try await withFixture { fixture in
            let store = fixture.store
            let ada = try await store.createPrincipal("ada", kind: .person, by: Fixture.change)
            let ben = try await store.createPrincipal("ben", kind: .person, by: Fixture.change)
            let lab = try await store.createWorkspace("lab", owner: ada.id, by: Fixture.change)
            try await store.setAdministrator(true, ada.id, by: Fixture.change)
            func refusal(_ body: () async throws -> Void) async -> IdentityError? {
                await failure(IdentityError.self, body)
            }
            for role in [Role.none, .reader, .contributor] {
                #expect(
                    await refusal { try await store.setRole(role, of: ada.id, in: lab.id, by: Fixture.change) }
                        == .lastOwner(workspace: "lab"))
            }
            #expect(
                await refusal { try await store.setAdministrator(false, ada.id, by: Fixture.change) }
                    == .lastAdministrator)
            #expect(
                await refusal { try await store.setDisabled(true, ada.id, by: Fixture.change) } == .lastAdministrator)
            try await store.setAdministrator(true, ben.id, by: Fixture.change)
            #expect(
                await refusal { try await store.setDisabled(true, ada.id, by: Fixture.change) }
                    == .lastOwner(workspace: "lab"))
            // One who can't sign in counts for nothing.
            try await store.setRole(.owner, of: ben.id, in: lab.id, by: Fixture.change)
            try await store.setDisabled(true, ben.id, by: Fixture.change)
            #expect(
                await refusal { try await store.setRole(.none, of: ada.id, in: lab.id, by: Fixture.change) }
                    == .lastOwner(workspace: "lab"))
            try await store.setDisabled(false, ben.id, by: Fixture.change)
            try await store.setRole(.none, of: ada.id, in: lab.id, by: Fixture.change)
            try await store.setDisabled(true, ada.id, by: Fixture.change)
        }
    }

    @Test("of owners and administrators who all go at once, one stays")
    func lastAtOnce() async throws {
        try await withFixture { fixture in
            let store = fixture.store
            var owners: [Principal] = []
            for number in 0..<8 {
                owners.append(try await store.createPrincipal("p\(number)", kind: .person, by: Fixture.change))
            }
            let lab = try await store.createWorkspace("lab", owner: owners[0].id, by: Fixture.change)
            for owner in owners {
                try await store.setRole(.owner, of: owner.id, in: lab.id, by: Fixture.change)
                try await store.setAdministrator(true, owner.id, by: Fixture.change)
            }
            let refused = await withTaskGroup(of: Int.self) { group in
                for (number, owner) in owners.enumerated() {
                    group.addTask {
                        var refused = 0
                        do {
                            if number % 2 == 0 {
                                try await store.setRole(.none, of: owner.id, in: lab.id, by: Fixture.change)
                            } else {
                                try await store.setDisabled(true, owner.id, by: Fixture.change)
                            }
                        } catch { refused += 1 }
                        do { try await store.setAdministrator(false, owner.id, by: Fixture.change) } catch {
                            refused += 1
                        }
                        return refused
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(refused >= 2)
            let (ownersLeft, administratorsLeft) = try await fixture.pool.query(
                """
                SELECT (SELECT count(*) FROM identity.members AS m JOIN identity.principals AS p ON p.id = m.principal
                    WHERE m.role = 'owner' AND p.disabled IS NULL),
                    (SELECT count(*) FROM identity.administrators AS a JOIN identity.principals AS p
                    ON p.id = a.principal WHERE p.disabled IS NULL)
                """
            ).all((Int, Int).self)[0]
            #expect(ownersLeft >= 1 && administratorsLeft >= 1)
        }
    }

    @Test("ten that start at once make one administrator, and its token works")
    func bootstrap() async throws {
        try await withFixture { fixture in
            let path = "/tmp/slipway-bootstrap-\(getpid())"
            defer { unlink(path) }
            let store = fixture.store
            await #expect(throws: CancellationError.self) {
                try await store.bootstrap { _ in throw CancellationError() }
            }
            #expect(try await fixture.actions() == [])
            let tokens = try await withThrowingTaskGroup(of: IssuedToken?.self) { group in
                for _ in 0..<10 {
                    group.addTask { try await store.bootstrap { try BootstrapFile(path: path).write($0) } }
                }
                return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
            }
            #expect(tokens.count == 1)
            let written = try #require(try PrivateFile.read(path, limit: 100))
            #expect(String(decoding: written, as: UTF8.self) == tokens[0].text.reveal() + "\n")
            let proof = try #require(TokenProof(tokens[0].text.reveal()))
            guard case .granted(let grants) = try await IdentitySource(fixture.pool).find(.token(proof)) else {
                Issue.record("the token does not count")
                return
            }
            #expect(grants.isAdministrator && grants.member(of: nil)?.role == .owner)
            #expect(try await fixture.actions().count == 3)
        }
    }
}
