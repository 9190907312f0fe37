import ResourceKit
import Access
import Contracts
import Identity
import Protobuf
import RPC
import RegistryCore
import ServiceKit
import Testing

private typealias Workspaces = Slipway.Workspaces.V1
private typealias Principals = Slipway.Principals.V1
private typealias Tokens = Slipway.Tokens.V1
private typealias Audit = Slipway.Audit.V1

@Suite("Workspaces, principals, tokens and the journal over calls")
struct AdministrationTests {
    /// The four services with an administrator, an owner of `lab` and a reader of it.
    private struct Office {
        let fixture: RegistryFixture
        let server: RPCServer
        let administrator: Secret
        let owner: Secret
        let reader: Secret

        init(_ fixture: RegistryFixture) async throws {
            self.fixture = fixture
            server = fixture.server([
                WorkspaceService(fixture.identity), PrincipalService(fixture.identity), TokenService(fixture.identity),
                AuditService(fixture.pool),
            ])
            let root = try await fixture.member("root", [])
            try await fixture.identity.setAdministrator(true, root.principal.id, by: RegistryFixture.change)
            administrator = root.token
            owner = try await fixture.member("olga", [(fixture.lab, .owner)]).token
            reader = try await fixture.member("rita", [(fixture.lab, .reader)]).token
        }

        func workspaces(_ token: Secret, _ workspace: String? = "lab") -> Workspaces.Workspaces.Client {
            .init(fixture.channel(server, token: token, workspace: workspace))
        }
        func principals(_ token: Secret) -> Principals.Principals.Client {
            .init(fixture.channel(server, token: token))
        }
        func tokens(_ token: Secret) -> Tokens.Tokens.Client { .init(fixture.channel(server, token: token)) }
        func audit(_ token: Secret, _ workspace: String? = "lab") -> Audit.Audit.Client {
            .init(fixture.channel(server, token: token, workspace: workspace))
        }
    }

    private func withOffice(_ body: (Office) async throws -> Void) async throws {
        try await withRegistry { try await body(Office($0)) }
    }

    @Test("who makes a workspace owns it, and nobody else sees it")
    func newWorkspace() async throws {
        try await withOffice { office in
            let made = try await office.workspaces(office.administrator).create(.init(name: "growth"))
            #expect(made.name == "growth" && !made.id.isEmpty && made.archivedAt == nil)
            let members = try await office.workspaces(office.administrator, "growth").listMembers(.init()).members
            #expect(members.map(\.principal) == ["person:root"] && members.first?.role == .owner)
            #expect(try await office.workspaces(office.reader).list(.init()).workspaces.map(\.name) == ["lab"])
            let hidden = await failure { _ = try await office.workspaces(office.reader, "growth").get(.init()) }
            #expect(hidden?.code == .notFound)
            let taken = await failure {
                _ = try await office.workspaces(office.administrator).create(.init(name: "growth"))
            }
            #expect(taken?.code == .alreadyExists && taken?.message == "there is a workspace \"growth\" already")
            let bad = await failure { _ = try await office.workspaces(office.administrator).create(.init(name: "No!")) }
            #expect(bad?.code == .invalidArgument)
            let denied = await failure { _ = try await office.workspaces(office.owner).create(.init(name: "mine")) }
            #expect(denied?.code == .permissionDenied)
        }
    }

    @Test("an owner says who belongs to the workspace, and can't leave it without an owner")
    func members() async throws {
        try await withOffice { office in
            let client = office.workspaces(office.owner)
            let promoted = try await client.setMember(
                .init(principal: "person:rita", role: .contributor, reason: "she knows how"))
            #expect(promoted.role == .contributor)
            let gone = try await client.setMember(.init(principal: "rita", role: .unspecified))
            #expect(gone.role == .unspecified)
            #expect(try await client.listMembers(.init()).members.map(\.principal).contains("person:rita") == false)
            let unknown = await failure {
                _ = try await client.setMember(.init(principal: "service:rita", role: .reader))
            }
            #expect(unknown?.code == .notFound && unknown?.message == "there is no principal \"service:rita\"")
            #expect(try await client.setMember(.init(principal: "keeper", role: .unspecified)).role == .unspecified)
            let last = await failure { _ = try await client.setMember(.init(principal: "olga", role: .reader)) }
            #expect(last?.code == .failedPrecondition)
        }
    }

    @Test("an archived workspace can be read and not changed, until it is taken back")
    func archived() async throws {
        try await withOffice { office in
            let administrator = office.workspaces(office.administrator)
            let archived = try await administrator.setArchived(.init(name: "lab", archived: true, reason: "moved"))
            #expect(archived.archivedAt != nil)
            let denied = await failure {
                _ = try await office.workspaces(office.owner).setMember(.init(principal: "rita", role: .contributor))
            }
            #expect(denied?.code == .permissionDenied)
            #expect(try await office.workspaces(office.owner).get(.init()).archivedAt != nil)
            #expect(try await administrator.setArchived(.init(name: "lab", archived: false)).archivedAt == nil)
        }
    }

    @Test("a token signs in as its principal, once it is shown, until it is revoked")
    func tokenLife() async throws {
        try await withOffice { office in
            let mine = office.tokens(office.reader)
            let issued = try await mine.create(.init(name: "laptop", lifetime: .init(seconds: 3600)))
            let id = try #require(issued.token?.id)
            #expect(issued.secret.hasPrefix("slw_") && issued.token?.principal == "person:rita")
            #expect(issued.token?.expiresAt != nil && issued.token?.workspace == "")
            let signedIn = try await office.principals(Secret(issued.secret)).whoAmI(.init())
            #expect(signedIn.principal == "person:rita" && signedIn.tokenId == id)
            let listed = try await mine.list(.init()).tokens
            #expect(listed.first?.id == id && listed.first?.name == "laptop")
            #expect(!"\(listed)".contains(issued.secret))

            let others = await failure { _ = try await office.tokens(office.owner).revoke(.init(id: id)) }
            #expect(others?.code == .notFound)
            #expect(try await mine.revoke(.init(id: id, reason: "lost")).revokedAt != nil)
            // Revoked twice is revoked once.
            #expect(try await mine.revoke(.init(id: id)).revokedAt != nil)
        }
    }

    @Test("a token that was cut down makes no others, and nobody but an administrator makes somebody else's")
    func tokensOfOthers() async throws {
        try await withOffice { office in
            let bound = try await office.tokens(office.owner).create(
                .init(name: "ci", workspace: "lab", ceiling: .reader))
            #expect(bound.token?.workspace == "lab" && bound.token?.ceiling == .reader)
            let escape = await failure { _ = try await office.tokens(Secret(bound.secret)).create(.init(name: "more")) }
            #expect(escape?.code == .permissionDenied)
            let foreign = await failure {
                _ = try await office.tokens(office.owner).create(.init(principal: "rita", name: "hers"))
            }
            #expect(foreign?.code == .permissionDenied)
            let elsewhere = await failure {
                _ = try await office.tokens(office.owner).create(.init(name: "x", workspace: "attic"))
            }
            #expect(elsewhere?.code == .notFound && elsewhere?.message == "there is no workspace \"attic\"")
            let given = try await office.tokens(office.administrator).create(.init(principal: "rita", name: "gift"))
            #expect(given.token?.principal == "person:rita")
            let late = await failure {
                _ = try await office.tokens(office.owner).create(.init(name: "x", lifetime: .init(seconds: -1)))
            }
            #expect(late?.code == .invalidArgument)
            for seconds in [Int64.min, Int64.max] {
                let absurd = await failure {
                    _ = try await office.tokens(office.owner).create(
                        .init(name: "x", lifetime: .init(seconds: seconds)))
                }
                #expect(absurd?.message == "lifetime: it is at most a hundred years")
            }
        }
    }

    @Test("administrators make principals, keep them out and let them in again")
    func principals() async throws {
        try await withOffice { office in
            let client = office.principals(office.administrator)
            let made = try await client.create(.init(kind: .service, name: "ci"))
            #expect(made.kind == .service && !made.administrator && made.disabledAt == nil)
            #expect(try await client.setDisabled(.init(principal: "ci", disabled: true)).disabledAt != nil)
            #expect(try await client.setDisabled(.init(principal: "service:ci", disabled: false)).disabledAt == nil)
            #expect(try await client.setAdministrator(.init(principal: "ci", administrator: true)).administrator)
            #expect(try await client.list(.init()).principals.map(\.name) == ["ci", "keeper", "olga", "rita", "root"])
            let kindless = await failure { _ = try await client.create(.init(name: "ghost")) }
            #expect(kindless?.code == .invalidArgument)
            let denied = await failure { _ = try await office.principals(office.owner).list(.init()) }
            #expect(denied?.code == .permissionDenied)
        }
    }

    @Test("administrators read in the journal what concerns no workspace, and nobody else does")
    func auditOfTheSuite() async throws {
        try await withOffice { office in
            let root = try await office.fixture.identity.principal(named: "root").principal
            try await office.fixture.identity.setRole(
                .reader, of: root.id, in: office.fixture.lab.id, by: RegistryFixture.change)
            _ = try await office.principals(office.administrator).create(.init(kind: .service, name: "ci"))
            let issued = try await office.tokens(office.owner).create(.init(name: "everywhere"))
            let id = try #require(issued.token?.id)
            _ = try await office.tokens(office.owner).revoke(.init(id: id, reason: "lost"))
            // Not in the workspace's own journal, wherever they were signed in.
            #expect(try await office.audit(office.owner).list(.init(subject: "tokens/\(id)")).entries.isEmpty)
            let audit = office.audit(office.administrator)
            let tokens = try await audit.list(.init(subject: "tokens/\(id)", suite: true)).entries
            #expect(tokens.map(\.action) == ["identity.token.revoke", "identity.token.issue"])
            #expect(tokens.allSatisfy { $0.actor == "person:olga" } && tokens.first?.reason == "lost")
            let made = try await audit.list(.init(action: "identity.principal.create", suite: true)).entries
            #expect(made.first?.subject == "principals/ci")
            let denied = await failure { _ = try await office.audit(office.owner).list(.init(suite: true)) }
            #expect(denied?.code == .permissionDenied)
        }
    }

    @Test("a name with a zero character in it is refused as the caller's fault")
    func zeroCharacters() async throws {
        try await withOffice { office in
            let calls: [() async throws -> Void] = [
                { _ = try await office.workspaces(office.administrator).setArchived(.init(name: "a\0b")) },
                { _ = try await office.workspaces(office.owner).setMember(.init(principal: "a\0b", role: .reader)) },
                { _ = try await office.principals(office.administrator).setDisabled(.init(principal: "a\0b")) },
                { _ = try await office.tokens(office.administrator).list(.init(principal: "a\0b")) },
                { _ = try await office.tokens(office.owner).revoke(.init(id: "a\0b")) },
                { _ = try await office.audit(office.reader).list(.init(subject: "a\0b")) },
            ]
            for call in calls {
                let refusal = await failure { try await call() }
                #expect(refusal?.code == .invalidArgument)
            }
        }
    }

    @Test("the journal of a workspace is read page by page, by actor, action, subject and time, and never another's")
    func audit() async throws {
        try await withOffice { office in
            let client = office.workspaces(office.owner)
            for role in [Slipway.Access.V1.Role.contributor, .reader, .owner, .reader] {
                _ = try await client.setMember(.init(principal: "rita", role: role, reason: "to \(role)"))
            }
            let audit = office.audit(office.reader)
            let all = try await audit.list(.init(actor: "person:olga")).entries
            #expect(all.map(\.action) == Array(repeating: "identity.member.set", count: 4))
            #expect(
                all.first?.afterJson == "{\"role\": \"reader\"}" && all.first?.beforeJson == "{\"role\": \"owner\"}")
            #expect(all.allSatisfy { $0.subject == "workspaces/lab/members/rita" && !$0.reason.isEmpty })

            var paged: [Audit.Entry] = []
            var token = ""
            repeat {
                let page = try await audit.list(.init(actor: "olga", pageSize: 3, pageToken: token))
                paged += page.entries
                token = page.nextPageToken
            } while !token.isEmpty
            #expect(paged == all)

            let since = try #require(all[1].at)
            #expect(try await audit.list(.init(actor: "olga", since: since)).entries == Array(all.prefix(2)))
            #expect(try await audit.list(.init(actor: "olga", until: since)).entries == Array(all.suffix(2)))
            #expect(try await audit.list(.init(action: "identity.*", subject: "workspaces/lab/*")).entries.count >= 4)
            #expect(try await audit.list(.init(action: "identity.member")).entries.isEmpty)
            let outside = await failure { _ = try await office.audit(office.owner, "attic").list(.init()) }
            #expect(outside?.code == .notFound)
            let bad = await failure { _ = try await audit.list(.init(pageToken: "1")) }
            #expect(bad?.code == .invalidArgument)
            let huge = await failure { _ = try await audit.list(.init(pageSize: 5000)) }
            #expect(huge?.code == .invalidArgument)
        }
    }
}
