internal import Contracts
import Glibc
import HTTP
import Loop
internal import Protobuf
internal import RPC
import ServiceKit
import Testing

@testable import Access
@testable import Identity
@testable import Postgres

/// Somebody who calls, and the facts of them that decide: written down here by hand, not asked of the code under test.
private struct Subject {
    var name: String
    var token: Secret?
    var workspace: String?
    /// Nobody, as far as the suite can tell.
    var isNobody = false
    /// In the workspace of the call; nil for no member.
    var role: Role?
    var isAdministrator = false

    /// What a declaration gives them.
    func expected(_ requirement: Requirement?) -> String {
        switch requirement {
        case nil: "permission_denied"
        case .anyone: "ok"
        case _ where isNobody: "unauthenticated"
        case .signedIn: "ok"
        case .administrator: isAdministrator ? "ok" : "permission_denied"
        case .workspace(let needed):
            role.map { $0.rawValue >= needed.rawValue ? "ok" : "permission_denied" } ?? "not_found"
        }
    }

    var metadata: Metadata {
        var metadata = Metadata()
        if let token { metadata.add("authorization", "Bearer \(token.reveal())") }
        if let workspace { metadata.add("slipway-workspace", workspace) }
        return metadata
    }
}

@Suite("every method, every role, every dialect", .serialized, .timeLimit(.minutes(10))) struct MatrixTests {
    /// Every service of ours, and those that every server offers.
    static let services: [ServiceDescriptor] =
        contracts + [
            Slipway.Testing.V1.Probe.descriptor, Grpc.Health.V1.Health.descriptor,
            Grpc.Reflection.V1.ServerReflection.descriptor,
        ]
    /// All that stand in Protos/slipway; a test sees to it.
    static let contracts: [ServiceDescriptor] = [
        Slipway.Activities.V1.Activities.descriptor, Slipway.Audit.V1.Audit.descriptor,
        Slipway.Deployments.V1.Deployments.descriptor,
        Slipway.Events.V1.Events.descriptor, Slipway.Events.V1.Subscriptions.descriptor,
        Slipway.Images.V1.Images.descriptor, Slipway.Images.V1.RegistryCredentials.descriptor,
        Slipway.Models.V1.Lineage.descriptor, Slipway.Models.V1.ModelFiles.descriptor,
        Slipway.Models.V1.Models.descriptor, Slipway.Principals.V1.Principals.descriptor,
        Slipway.Targets.V1.Targets.descriptor, Slipway.Tokens.V1.Tokens.descriptor,
        Slipway.Workspaces.V1.Workspaces.descriptor,
    ]

    /// What the methods of the test's own contract declare, by hand.
    static let declared: [String: Requirement] = [
        "Anyone": .anyone, "SignedIn": .signedIn, "Read": .workspace(.reader), "Contribute": .workspace(.contributor),
        "Own": .workspace(.owner), "Administer": .administrator, "Watch": .workspace(.reader),
        "Chat": .workspace(.contributor),
    ]

    static func requirement(_ method: AnyMethod) -> Requirement? {
        switch method.service {
        case "slipway.testing.v1.Probe": declared[method.name]
        case "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection": .anyone
        default: Requirement(declaredBy: method)
        }
    }

    @Test("the list of services holds every one in Protos/slipway, and all of their methods declare who may call them")
    func complete() throws {
        let file: String = #filePath
        let root = file.prefix(upTo: try #require(file.firstRange(of: "/Tests/")?.lowerBound))
        let found = try ChildProcess.run("grep", ["-rhE", "^(package|service) ", "\(root)/Protos/slipway"]).output
        var package = ""
        var names: Set<String> = []
        for line in found.split(separator: "\n") {
            let words = line.split { " ;{".contains($0) }
            if words[0] == "package" { package = String(words[1]) } else { names.insert("\(package).\(words[1])") }
        }
        #expect(names == Set(MatrixTests.contracts.map(\.fullName)))
        let methods = MatrixTests.contracts.flatMap(\.methods)
        #expect(methods.filter { Requirement(declaredBy: $0) == nil }.map(\.path) == [])
        let offer = RawOffer(methods: MatrixTests.services.flatMap(\.methods))
        let interceptor = AccessInterceptor(AccessControl(StaticPrincipals([])), services: [offer])
        #expect(interceptor.undeclared.map(\.name) == ["Undeclared", "Empty", "NotAnyone", "NoRole"])
    }

    /// Everybody there is, in a database.
    private func subjects(_ fixture: Fixture) async throws -> [Subject] {
        let store = fixture.store
        let root = try await store.createPrincipal("root", kind: .person, by: Fixture.change)
        let usual = try await store.createWorkspace("default", owner: root.id, by: Fixture.change)
        let lab = try await store.createWorkspace("lab", owner: root.id, by: Fixture.change)
        let attic = try await store.createWorkspace("attic", owner: root.id, by: Fixture.change)
        var subjects = [Subject(name: "nobody", isNobody: true)]
        for role in [Role.reader, .contributor, .owner] {
            let (_, token) = try await fixture.member("\(role)", [(usual, role)])
            subjects.append(Subject(name: "\(role)", token: token, role: role))
            subjects.append(Subject(name: "\(role) elsewhere", token: token, workspace: "lab"))
            subjects.append(Subject(name: "\(role) nowhere", token: token, workspace: "not"))
        }
        let (administrator, whole) = try await fixture.member("administrator")
        try await store.setAdministrator(true, administrator.id, by: Fixture.change)
        subjects.append(Subject(name: "administrator", token: whole, isAdministrator: true))
        let limited = try await fixture.token(TokenRequest(administrator.id, name: "limited", ceiling: .owner)).text
        subjects.append(Subject(name: "administrator's limited token", token: limited))
        let (_, stranger) = try await fixture.member("stranger", [(lab, .owner)], kind: .service)
        subjects.append(Subject(name: "other workspace's owner", token: stranger))
        subjects.append(Subject(name: "owner there", token: stranger, workspace: "lab", role: .owner))
        let (both, all) = try await fixture.member("both", [(usual, .owner), (lab, .contributor)], kind: .deployment)
        subjects.append(Subject(name: "owner of both", token: all, role: .owner))
        let bound = try await fixture.token(TokenRequest(both.id, name: "bound", workspace: lab.id)).text
        subjects.append(Subject(name: "bound", token: bound, role: .contributor))
        subjects.append(Subject(name: "bound, elsewhere", token: bound, workspace: "default"))
        let lowered = try await fixture.token(TokenRequest(both.id, name: "lowered", ceiling: .reader)).text
        subjects.append(Subject(name: "lowered", token: lowered, role: .reader))
        try await store.setRole(.owner, of: both.id, in: attic.id, by: Fixture.change)
        try await store.setArchived(true, attic.id, by: Fixture.change)
        subjects.append(Subject(name: "owner of the archived", token: all, workspace: "attic", role: .reader))
        let (gone, disabled) = try await fixture.member("gone", [(usual, .owner)])
        try await store.setDisabled(true, gone.id, by: Fixture.change)
        subjects.append(Subject(name: "disabled", token: disabled, isNobody: true))
        let expired = try await fixture.token(TokenRequest(both.id, name: "expired", lifetime: .seconds(9)))
        try await fixture.pool.execute(
            "UPDATE identity.tokens SET expires = now() - interval '1 second' WHERE id = \(expired.id)")
        subjects.append(Subject(name: "expired", token: expired.text, isNobody: true))
        let revoked = try await fixture.token(TokenRequest(both.id, name: "revoked"))
        try await store.revokeToken(revoked.id, by: Fixture.change)
        subjects.append(Subject(name: "revoked", token: revoked.text, isNobody: true))
        subjects.append(Subject(name: "guess", token: AccessToken.make(.person).text, isNobody: true))
        subjects.append(Subject(name: "rubbish", token: Secret("rubbish"), isNobody: true))
        return subjects
    }

    private func control(_ fixture: Fixture) -> AccessControl {
        var limits = AttemptLimiter.Limits()
        // All come from one address here.
        limits.freeFailures = 1_000_000
        return AccessControl(IdentitySource(fixture.pool), limiter: AttemptLimiter(limits)) { error in
            Issue.record("the source failed: \(error)")
        }
    }

    private func withServer(
        _ fixture: Fixture, _ interceptors: [any ServerInterceptor] = [], _ body: (MatrixServer) async throws -> Void
    ) async throws {
        let offer = RawOffer(methods: MatrixTests.services.flatMap(\.methods))
        let server = try await MatrixServer([offer], control(fixture), interceptors)
        var failure: (any Error)?
        do { try await body(server) } catch { failure = error }
        await server.stop()
        if let failure { throw failure }
    }

    private func call(
        _ channel: any RPCChannel, _ method: AnyMethod, _ metadata: Metadata
    ) async -> (code: String, seen: String, error: RPCError?) {
        do {
            let request = ClientRequest(
                method: method, metadata: metadata, options: CallOptions(timeout: .seconds(60)))
            let seen = try await channel.withCall(request) { call in
                try await call.sendOnly(Google.Protobuf.Empty())
                _ = try await call.onlyMessage(of: Google.Protobuf.Empty.self)
                return try await call.responseMetadata()["seen-as"] ?? ""
            }
            return ("ok", seen, nil)
        } catch {
            return (RPCError(error).code.name, "", RPCError(error))
        }
    }

    @Test("a call gets just what its method declares", arguments: AccessDialect.allCases)
    func calls(_ dialect: AccessDialect) async throws {
        try await withFixture { fixture in
            let subjects = try await subjects(fixture)
            try await withServer(fixture) { server in
                let channel = dialect.channel(server)
                for method in MatrixTests.services.flatMap(\.methods) where dialect.canCarry(method) {
                    let requirement = MatrixTests.requirement(method)
                    for subject in subjects {
                        let (code, seen, error) = await call(channel, method, subject.metadata)
                        #expect(
                            code == subject.expected(requirement),
                            "\(subject.name) calls \(method.name): \(error.map { "\($0)" } ?? seen)")
                        if code == "ok", requirement == .anyone { #expect(seen == "anyone") }
                        if code == "ok", case .workspace = requirement, let role = subject.role {
                            #expect(seen.contains("(\(role) of "), "\(subject.name) was seen as \(seen)")
                        }
                        if code == "unauthenticated" {
                            #expect(error?.metadata["www-authenticate"]?.hasPrefix("Bearer") == true)
                        }
                    }
                }
                if let channel = channel as? NetworkChannel { await channel.close(grace: .zero) }
                if let channel = channel as? InProcessChannel { await channel.close() }
            }
        }
    }

    @Test("a plain route gives just what it declares", arguments: [ClientProtocol.http11, .http2], [false, true])
    func routes(_ version: ClientProtocol, inPath: Bool) async throws {
        let statuses = ["ok": 200, "unauthenticated": 401, "permission_denied": 403, "not_found": 404]
        try await withFixture { fixture in
            let subjects = try await subjects(fixture)
            try await withServer(fixture) { server in
                let client = HTTPClient(
                    loops: server.client, resolver: server.resolver, configuration: .init(wanted: version))
                for (path, requirement) in MatrixServer.routes {
                    for subject in subjects {
                        var fields = HeaderFields()
                        for (name, value) in subject.metadata where !inPath || name != "slipway-workspace" {
                            fields.add(name, value)
                        }
                        var path = path
                        // The path counts before the field.
                        if inPath, let workspace = subject.workspace {
                            path = "/in/\(workspace)\(path)"
                            fields.add("slipway-workspace", "default")
                        }
                        let head = RequestHead(
                            method: .get, authority: "\(server.http.addresses[0])", path: path, fields: fields)
                        let (status, challenge, body) = try await client.execute(head) { head, body in
                            (
                                head.status, head.fields["www-authenticate"],
                                String(decoding: try await body.collect(upTo: 1 << 16), as: UTF8.self)
                            )
                        }
                        let expected = subject.expected(requirement)
                        #expect(status == statuses[expected], "\(subject.name) gets \(path): \(body)")
                        #expect((status == 401) == (challenge != nil))
                        if status != 200 { #expect(body.hasPrefix("{\"code\":\"\(expected)\",\"message\":")) }
                    }
                }
                await client.close()
            }
        }
    }

    @Test("a workspace of others answers like one that never was, byte for byte", arguments: AccessDialect.allCases)
    func indistinguishable(_ dialect: AccessDialect) async throws {
        try await withFixture { fixture in
            let root = try await fixture.store.createPrincipal("root", kind: .person, by: Fixture.change)
            let lab = try await fixture.store.createWorkspace("lab", owner: root.id, by: Fixture.change)
            let (_, token) = try await fixture.member("ada", [(lab, .owner)])
            _ = try await fixture.store.createWorkspace("yes", owner: root.id, by: Fixture.change)
            try await withServer(fixture) { server in
                let channel = dialect.channel(server, [ClientCredentials(token: token)])
                for method in Slipway.Testing.V1.Probe.descriptor.methods {
                    guard case .workspace? = MatrixTests.declared[method.name], dialect.canCarry(method) else {
                        continue
                    }
                    let there = await call(channel, method, ["slipway-workspace": "yes"]).error
                    let not = await call(channel, method, ["slipway-workspace": "not"]).error
                    #expect(there?.code == .notFound)
                    #expect(there?.message.replacing("yes", with: "not") == not?.message)
                    #expect(there?.details == not?.details && there?.metadata == not?.metadata)
                    #expect(await call(channel, method, ["slipway-workspace": "lab"]).code == "ok")
                }
                if let channel = channel as? NetworkChannel { await channel.close(grace: .zero) }
                if let channel = channel as? InProcessChannel { await channel.close() }
            }
        }
    }
}
