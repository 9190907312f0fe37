import Contracts
import Loop
import RPC
import ServiceKit
import Testing

@testable import Access
@testable import Identity
@testable import ImageBuilderCore
@testable import Postgres

private typealias V1 = Slipway.Images.V1

@Suite("credentials for other registries", .timeLimit(.minutes(5))) struct CredentialTests {
    private func withService(
        _ body: (ImagesFixture, RegistryCredentialStore, (String, Role) async throws -> V1.RegistryCredentials.Client)
            async throws -> Void
    ) async throws {
        try await withImages { fixture in
            let store = RegistryCredentialStore(fixture.secrets)
            let service = RegistryCredentialsService(store)
            let server = RPCServer(
                services: [service],
                interceptors: [AccessInterceptor(AccessControl(IdentitySource(fixture.pool)), services: [service])])
            try await body(fixture, store) { name, role in
                let token = try await fixture.member(name, [(fixture.lab, role)]).token
                var configuration = ChannelConfiguration()
                configuration.interceptors = [ClientCredentials(token: token, workspace: "lab")]
                return V1.RegistryCredentials.Client(
                    InProcessChannel(server, loops: fixture.loops, configuration: configuration))
            }
        }
    }

    @Test("what was set is listed without its password, used in its workspace, and forgotten when it is deleted")
    func life() async throws {
        try await withService { fixture, store, client in
            let ada = try await client("ada", .contributor)
            let set = try await ada.setCredential(
                V1.SetCredentialRequest(
                    registry: "Registry.Example.com:5000", user: "team", password: "open sesame", reason: "pushes"))
            #expect(set.registry == "registry.example.com:5000" && set.user == "team" && set.setBy == "person:ada")
            #expect(set.setAt != nil)
            _ = try await ada.setCredential(
                V1.SetCredentialRequest(registry: "index.docker.io", user: "me", password: "token"))
            let listed = try await ada.listCredentials(V1.ListCredentialsRequest()).credentials
            #expect(listed.map(\.registry) == ["docker.io", "registry.example.com:5000"])
            let used = try await store.credentials(for: "registry.example.com:5000", in: fixture.lab)
            #expect(used?.user == "team" && used?.password == "open sesame")
            #expect(try await store.credentials(for: "docker.io", in: fixture.lab)?.user == "me")
            #expect(try await store.credentials(for: "registry.example.com:5000", in: fixture.attic) == nil)
            #expect(try await store.credentials(for: "registry.example.com", in: fixture.lab) == nil)
            _ = try await ada.setCredential(
                V1.SetCredentialRequest(registry: "registry.example.com:5000", user: "other", password: "new"))
            #expect(try await store.credentials(for: "registry.example.com:5000", in: fixture.lab)?.password == "new")
            _ = try await ada.deleteCredential(V1.DeleteCredentialRequest(registry: "registry.example.com:5000"))
            #expect(try await store.credentials(for: "registry.example.com:5000", in: fixture.lab) == nil)
            let error = await #expect(throws: RPCError.self) {
                _ = try await ada.deleteCredential(V1.DeleteCredentialRequest(registry: "registry.example.com:5000"))
            }
            #expect(error?.code == .notFound)
            // Neither passwords nor users are in the journal, or readable in the table.
            let journal = try await fixture.pool.query("SELECT row_to_json(e)::text FROM journal.entries AS e").all(
                String.self
            ).joined()
            #expect(!journal.contains("sesame") && !journal.contains("\"team\"") && journal.contains("secret.set"))
        }
    }

    @Test("a reader sees which there are and can't set any")
    func reader() async throws {
        try await withService { _, _, client in
            let bob = try await client("bob", .reader)
            #expect(try await bob.listCredentials(V1.ListCredentialsRequest()).credentials == [])
            let error = await #expect(throws: RPCError.self) {
                _ = try await bob.setCredential(V1.SetCredentialRequest(registry: "a.b", user: "u", password: "p"))
            }
            #expect(error?.code == .permissionDenied)
        }
    }

    @Test(
        "what can't be a registry, a user or a password is refused by its field",
        arguments: [
            ("", "u", "p", "registry"), ("https://a.b", "u", "p", "registry"), ("a.b/c", "u", "p", "registry"),
            ("a.b:x", "u", "p", "registry"), ("a.b:99999", "u", "p", "registry"), (":1", "u", "p", "registry"),
            ("a b", "u", "p", "registry"), ("a.b:1:2", "u", "p", "registry"), ("a.b", "", "p", "user"),
            ("a.b", "u:v", "p", "user"), ("a.b", "u\n", "p", "user"), ("a.b", "u", "", "password"),
            ("a.b", "u", "p\u{0}", "password"),
        ])
    func refusals(registry: String, user: String, password: String, field: String) async throws {
        try await withService { _, _, client in
            let ada = try await client("ada", .owner)
            let error = await #expect(throws: RPCError.self) {
                _ = try await ada.setCredential(
                    V1.SetCredentialRequest(registry: registry, user: user, password: password))
            }
            #expect(error?.code == .invalidArgument && error?.message.hasPrefix(field) == true, "\(error as Any)")
            #expect(password.count < 2 || error?.message.contains(password) == false)
        }
    }
}
