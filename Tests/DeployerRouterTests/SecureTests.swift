import Contracts
import Glibc
import HTTP
import Loop
import Testing

@testable import DeployerRouter

@Suite("TLS of deployments", .serialized)
struct SecureTests {
    /// Two deployments with certificates of their own; `strict` asks for those of its authority.
    private static func routes(_ address: String, _ certificates: RouterCertificates) throws -> [Route] {
        var open = Route.sample(name: "open", number: 1, [1: [address]])
        open.certificate = try certificates.certificate("open")
        var strict = Route.sample(name: "strict", number: 2, [1: [address]])
        strict.certificate = try certificates.certificate("strict")
        strict.certificate?.clientAuthoritiesPem = try certificates.text("authority.pem")
        return [open, strict]
    }

    /// A listener with TLS before the fixture's router.
    private func withListener(
        _ body: (RouterFixture, RouterCertificates, SocketAddress) async throws -> Void
    ) async throws {
        let certificates = try RouterCertificates()
        defer { certificates.remove() }
        try await RouterFixture.run { fixture in
            let replica = TestReplica("one")
            let address = try await replica.start(on: fixture.loops)
            let routes = try Self.routes(address, certificates)
            let (table, problems) = fixture.maker.table(of: routes, after: fixture.router.table)
            #expect(problems.isEmpty, "\(problems)")
            fixture.router.adopt(table)
            let context = try TLSContext(TLSConfiguration(), role: .server) { fixture.router.certificate(for: $0) }
            let server = HTTPServer(
                endpoints: [.init(.tcp(host: "127.0.0.1", port: 0), tls: context)], loops: fixture.routerGroup,
                handler: fixture.router)
            try await server.start()
            try await body(fixture, certificates, try #require(server.addresses.first))
            await server.shutdown(grace: .seconds(5))
            await replica.stop()
        }
    }

    @Test("each deployment shows its own certificate, and one with client authorities asks for theirs")
    func own() async throws {
        try await withListener { fixture, certificates, address in
            let open = try await fixture.askSecurely(address, certificates, "open", as: nil)
            #expect(open.status == 200)
            let known = try await fixture.askSecurely(address, certificates, "strict", as: "client")
            #expect(known.status == 200)
            await #expect(throws: (any Error).self) {
                try await fixture.askSecurely(address, certificates, "strict", as: nil)
            }
            await #expect(throws: (any Error).self) {
                try await fixture.askSecurely(address, certificates, "strict", as: "foreign")
            }
        }
    }

    @Test("a connection made for one deployment is no way to another, whatever the request says: 421")
    func misdirected() async throws {
        try await withListener { fixture, certificates, address in
            for fields: HeaderFields in [["slipway-deployment": "acme/strict"], [:]] {
                let path = fields.isEmpty ? "/endpoints/acme/strict/" : "/"
                let answer = try await fixture.askSecurely(
                    address, certificates, "open", as: nil, authority: "other.test", path, fields)
                #expect(answer.status == 421, "\(answer)")
            }
            let host = try await fixture.askSecurely(
                address, certificates, "open", as: nil, authority: "strict.acme.example.test")
            #expect(host.status == 421)
            let back = try await fixture.askSecurely(
                address, certificates, "strict", as: "client", authority: "open.acme.example.test")
            #expect(back.status == 421)
            let plain = try await fixture.ask("/endpoints/acme/strict/")
            #expect(plain.status == 403)
        }
    }

    @Test("a deployment that begins to ask for certificates does not let in who was connected before")
    func becomesMutual() async throws {
        try await withListener { fixture, certificates, address in
            try await fixture.withSecureClient(certificates, "open", as: nil) { client in
                // Each of the client's loops makes its connection.
                for _ in fixture.loops.loops {
                    let before = try await fixture.askSecurely(address, client, "open")
                    #expect(before.status == 200)
                }
                var routes = try Self.routes("127.0.0.1:1", certificates)
                routes[0].version = 2
                routes[0].certificate?.clientAuthoritiesPem = try certificates.text("authority.pem")
                let (table, _) = fixture.maker.table(of: routes, after: fixture.router.table)
                fixture.router.adopt(table)
                for loop in fixture.router.loops { try await loop.submit {} }
                let after = try await fixture.askSecurely(address, client, "open")
                #expect(after.status == 421)
            }
        }
    }

    @Test("a certificate that does not fit its key is shown to nobody, and the deployment goes on otherwise")
    func badCertificate() async throws {
        try await withListener { fixture, certificates, _ in
            var route = Route.sample(version: 2, name: "broken", number: 3, [1: ["127.0.0.1:1"]])
            route.certificate = try certificates.certificate("open")
            route.certificate?.sealedKey = .init(try certificates.text("strict.key").utf8)
            let (table, problems) = fixture.maker.table(of: [route])
            #expect(problems.count == 1 && problems[0].reason.contains("key"), "\(problems)")
            #expect(table.certificate(for: "broken.acme.example.test") == nil)
            #expect(table.count == 1)
        }
    }
}
