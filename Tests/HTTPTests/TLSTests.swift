import Glibc
import Loop
import Testing

@testable import HTTP

@Suite("TLS", .serialized)
struct TLSTests {
    private func connect(_ server: HTTPServer, _ address: SocketAddress, _ tls: TLSContext) async throws
        -> TestConnection
    {
        try await TestConnection.connect(address, on: server.loops.loops[0], tls: tls, wanted: .negotiated)
    }

    @Test("the handler reads who proved itself with a certificate")
    func peerIdentity() async throws {
        let certificates = Certificates.shared
        try await withServer(tls: certificates.server(mutual: true)) { server, address, _ in
            let connection = try await connect(server, address, certificates.client("client"))
            let answer = try await connection.get("/peer")
            #expect(answer.text == "true client spiffe://slipway/test")
            try await connection.close()
        }
    }

    @Test("a client without a certificate is refused where one is required, and anonymous where not")
    func required() async throws {
        let certificates = Certificates.shared
        try await withServer(tls: certificates.server(mutual: true)) { server, address, _ in
            await #expect(throws: (any Error).self) {
                // With TLS 1.3 the client hears of it after its own handshake, with the first answer.
                let connection = try await connect(server, address, certificates.client())
                _ = try await connection.get("/peer")
            }
        }
        try await withServer(tls: certificates.server(mutual: true, required: false)) { server, address, _ in
            let connection = try await connect(server, address, certificates.client())
            let answer = try await connection.get("/peer")
            #expect(answer.text == "true - -")
            try await connection.close()
        }
    }

    @Test("a server with another name or of another authority is refused with the reason")
    func verification() async throws {
        let certificates = Certificates.shared
        try await withServer(tls: certificates.server()) { server, address, _ in
            for change in [
                { (configuration: inout TLSConfiguration) in configuration.serverName = "elsewhere" },
                { (configuration: inout TLSConfiguration) in
                    configuration.authorityFile = certificates.path("client.pem")
                },
            ] {
                var configuration = TLSConfiguration(authorityFile: certificates.path("authority.pem"))
                configuration.serverName = "localhost"
                change(&configuration)
                let context = try TLSContext(configuration, role: .client)
                do {
                    _ = try await connect(server, address, context)
                    Issue.record("connected")
                } catch { #expect("\(error)".contains("certificate"), "\(error)") }
            }
        }
    }

    @Test("a client that is told where to connect still checks the name that it asks for")
    func authorityName() async throws {
        let certificates = Certificates.shared
        func check(_ address: SocketAddress, _ asked: String, told serverName: String? = nil, _ isGood: Bool)
            async throws
        {
            try await withClient(.init(tls: certificates.client(serverName: serverName))) { client in
                let request = RequestHead(method: .get, scheme: "https", authority: asked, path: "/hello")
                do {
                    _ = try await client.execute(request, address: address) { head, _ in head.status }
                    #expect(isGood, "\(asked) at \(address) went through")
                } catch {
                    #expect(!isGood && "\(error)".contains("certificate"), "\(asked) at \(address): \(error)")
                }
            }
        }
        try await withServer(tls: certificates.server("named")) { _, address, _ in
            try await check(address, "registry.test", true)
            try await check(address, "registry.test:8443", true)
            try await check(address, "elsewhere.test", false)
            try await check(address, "\(address)", false)
            try await check(address, "elsewhere.test", told: "registry.test", true)
        }
        // The address's own name is in this certificate, and it is not the one that was asked for.
        try await withServer(tls: certificates.server()) { _, address, _ in
            try await check(address, "registry.test", false)
            try await check(address, "\(address)", true)
        }
        try await withServer(tls: certificates.server("named"), unix: true) { _, address, _ in
            try await check(address, "registry.test", true)
            try await check(address, "localhost", false)
        }
    }

    @Test(
        "a server name that is none is refused, and not taken as any name",
        arguments: ["", "local\0host", String(repeating: "x", count: 300)])
    func badServerName(_ name: String) async throws {
        let certificates = Certificates.shared
        try await withServer(tls: certificates.server()) { server, address, _ in
            var configuration = TLSConfiguration(authorityFile: certificates.path("authority.pem"))
            configuration.serverName = name
            let context = try TLSContext(configuration, role: .client)
            await #expect(throws: TLSError.self) { _ = try await connect(server, address, context) }
            try await eventually("nothing stays open") { server.statistics.openConnections == 0 }
        }
    }

    @Test("a certificate is chosen by the name that a client asks for, with what it asks of the client")
    func chosenByName() async throws {
        let certificates = Certificates.shared
        var named = try certificates.texts("named")
        named.authorityText = try certificates.text("authority.pem")
        named.name = "named"
        let mutual = try TLSContext(named, role: .server)
        let chosen = Lock<TLSContext?>(nil)
        let configuration = TLSConfiguration(
            certificateFile: certificates.path("server.pem"), keyFile: certificates.path("server.key"))
        let context = try TLSContext(configuration, role: .server) { name in
            name == "registry.test" ? chosen.withLock { $0 } : nil
        }
        try await withServer(tls: context) { server, address, _ in
            let byDefault = try await connect(server, address, certificates.client())
            let first = try await byDefault.get("/peer")
            #expect(first.text == "true - -")
            await #expect(throws: (any Error).self) {
                _ = try await connect(server, address, certificates.client(serverName: "registry.test"))
            }
            // It comes to be there while connections are open.
            chosen.withLock { $0 = mutual }
            let known = try await connect(server, address, certificates.client("client", serverName: "registry.test"))
            let second = try await known.get("/peer")
            #expect(second.text == "true client spiffe://slipway/test")
            let name = try await known.get("/context")
            #expect(name.text == "named")
            await #expect(throws: (any Error).self) {
                let stranger = try await connect(
                    server, address, certificates.client(serverName: "registry.test"))
                _ = try await stranger.get("/peer")
            }
            let again = try await byDefault.get("/context")
            #expect(again.text == "-")
            try await byDefault.close()
            try await known.close()
        }
    }

    @Test("texts that are no certificate, no key or no authority are refused, as is a key of another certificate")
    func badTexts() throws {
        let certificates = Certificates.shared
        let good = try certificates.texts("server")
        #expect(throws: Never.self) { try TLSContext(good, role: .server) }
        for change in [
            { (configuration: inout TLSConfiguration) in configuration.certificateText = "none" },
            { (configuration: inout TLSConfiguration) in configuration.keyText = "none" },
            { (configuration: inout TLSConfiguration) in configuration.authorityText = "none" },
        ] {
            var configuration = good
            change(&configuration)
            #expect(throws: TLSError.self) { try TLSContext(configuration, role: .server) }
        }
        var mixed = good
        mixed.keyText = try certificates.texts("second").keyText
        #expect(throws: TLSError.self) { try TLSContext(mixed, role: .server) }
        #expect(throws: TLSError.self) { try TLSContext(TLSConfiguration(), role: .server) }
        #expect(throws: Never.self) { try TLSContext(TLSConfiguration(), role: .server) { _ in nil } }
    }

    @Test("reloaded certificates serve new connections while old ones live on; bad files change nothing")
    func reload() async throws {
        let certificates = Certificates.shared
        let folder = temporaryPath("reload")
        mkdir(folder, 0o700)
        certificates.run("cp server.pem \(folder)/c.pem; cp server.key \(folder)/c.key")
        let context = try TLSContext(
            TLSConfiguration(certificateFile: "\(folder)/c.pem", keyFile: "\(folder)/c.key"), role: .server)
        try await withServer(tls: context) { server, address, _ in
            let client = try certificates.client()
            let old = try await connect(server, address, client)
            let first = try await old.serverName()
            #expect(first == "server")
            certificates.run("cp second.pem \(folder)/c.pem")
            #expect(throws: TLSError.self) { try context.reload() }
            certificates.run("cp second.key \(folder)/c.key")
            try context.reload()
            let new = try await connect(server, address, client)
            let second = try await new.serverName()
            #expect(second == "second")
            let answer = try await old.get("/hello")
            #expect(answer.text == "hello")
            try await old.close()
            try await new.close()
        }
    }

    @Test("missing and mismatched files are named")
    func badFiles() throws {
        let certificates = Certificates.shared
        for (certificate, key, name) in [
            ("nothing.pem", "server.key", "nothing.pem"), ("server.pem", "nothing.key", "nothing.key"),
            ("server.pem", "client.key", "client.key"),
        ] {
            let configuration = TLSConfiguration(
                certificateFile: certificates.path(certificate), keyFile: certificates.path(key))
            do {
                _ = try TLSContext(configuration, role: .server)
                Issue.record("accepted")
            } catch { #expect("\(error)".contains(name), "\(error)") }
        }
    }

    @Test("plain bytes and silence on the TLS port end the connection")
    func garbage() async throws {
        var limits = HTTPLimits()
        limits.handshakeTimeout = .milliseconds(100)
        try await withServer(limits, tls: Certificates.shared.server()) { server, address, _ in
            let rude = try RawClient(address)
            rude.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while let bytes = rude.receive(), !bytes.isEmpty {}
            let silent = try RawClient(address)
            #expect(silent.receive()?.isEmpty ?? true)
        }
    }
}

extension TestConnection {
    /// The name in the server's certificate.
    func serverName() async throws -> String? { try await loop.submit { self.peer?.certificate?.commonName } }
}
