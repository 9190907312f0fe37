import Glibc
import HTTP
import Loop
import Testing

@testable import RPC

/// The certificates of Scripts/test-certificates.
enum TestCertificates {
    static let folder: String = {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        let folder = "\(root)/.tools/test-certificates"
        let status = system("'\(root)/Scripts/test-certificates' '\(folder)'")
        if status != 0 { Issue.record("Scripts/test-certificates ended with \(status)") }
        return folder
    }()

    static func server(_ name: String = "server", clientsOf authority: String? = nil) throws -> TLSContext {
        var files = TLSConfiguration(certificateFile: "\(folder)/\(name).pem", keyFile: "\(folder)/\(name).key")
        files.authorityFile = authority.map { "\(folder)/\($0).pem" }
        return try TLSContext(files, role: .server)
    }

    static func client(
        _ name: String? = nil, trusting authority: String = "ca", serverName: String? = nil,
        protocols: [String] = ["h2"]
    ) throws -> TLSContext {
        var files = TLSConfiguration(authorityFile: "\(folder)/\(authority).pem")
        files.certificateFile = name.map { "\(folder)/\($0).pem" }
        files.keyFile = name.map { "\(folder)/\($0).key" }
        files.serverName = serverName
        files.protocols = protocols
        return try TLSContext(files, role: .client)
    }
}

@Suite("Calls over TLS", .timeLimit(.minutes(1)))
struct ClientTLSTests {
    private func call(
        _ server: TLSContext, _ client: TLSContext, http: ClientProtocol = .http2,
        callProtocol: CallProtocol = .grpc, authority: String? = nil
    ) async throws -> Result<String, RPCError> {
        let server = try await ProbeServer(tls: server)
        let loops = try LoopGroup(count: 1)
        try loops.start()
        var configuration = ChannelConfiguration()
        configuration.tls = client
        configuration.httpProtocol = http
        configuration.callProtocol = callProtocol
        configuration.authority = authority
        let channel = NetworkChannel(server.address, loops: loops, configuration: configuration)
        let result: Result<String, RPCError>
        do { result = .success(try await channel.unary(Probe.echo, text("secret")).value) } catch {
            result = .failure(RPCError(error))
        }
        await channel.close(grace: .zero)
        await server.stop()
        loops.stop()
        return result
    }

    private func expectRefused(_ result: Result<String, RPCError>, _ reason: String) {
        guard case .failure(let error) = result else {
            Issue.record("the call went through")
            return
        }
        #expect(error.code == .unavailable)
        #expect(error.message.contains(reason), "\(error.message)")
    }

    @Test("a server of the trusted authority is called, over HTTP/2 and HTTP/1.1")
    func trusted() async throws {
        #expect(try await call(TestCertificates.server(), TestCertificates.client()).get() == "secret")
        let http1 = try await call(
            TestCertificates.server(), TestCertificates.client(protocols: ["http/1.1"]), http: .http11,
            callProtocol: .connect)
        #expect(try http1.get() == "secret")
        let negotiated = try await call(
            TestCertificates.server(), TestCertificates.client(protocols: ["h2", "http/1.1"]), http: .negotiated)
        #expect(try negotiated.get() == "secret")
    }

    @Test("the name to find in the certificate can be another than the address")
    func serverName() async throws {
        let named = try TestCertificates.client(serverName: "foo.test.google.fr")
        #expect(try await call(TestCertificates.server(), named).get() == "secret")
        let wrong = try TestCertificates.client(serverName: "example.org")
        expectRefused(try await call(TestCertificates.server(), wrong), "hostname mismatch")
    }

    @Test("the authority that calls are addressed to is the name to find, unless the TLS configuration says another")
    func authority() async throws {
        let client = try TestCertificates.client()
        let known = try await call(TestCertificates.server(), client, authority: "foo.test.google.fr:443")
        #expect(try known.get() == "secret")
        expectRefused(
            try await call(TestCertificates.server(), client, authority: "example.org"), "hostname mismatch")
        let named = try TestCertificates.client(serverName: "foo.test.google.fr")
        #expect(try await call(TestCertificates.server(), named, authority: "example.org").get() == "secret")
    }

    @Test("a server of another authority, or whose time is over, is refused with the reason")
    func untrusted() async throws {
        let stranger = try TestCertificates.client(trusting: "other-ca")
        expectRefused(try await call(TestCertificates.server(), stranger), "certificate is refused")
        let expired = try await call(TestCertificates.server("expired"), TestCertificates.client())
        expectRefused(expired, "certificate has expired")
    }

    @Test("with mutual TLS only clients of the server's authority get through")
    func mutual() async throws {
        let server = try TestCertificates.server(clientsOf: "ca")
        #expect(try await call(server, TestCertificates.client("client")).get() == "secret")
        for name in [nil, "stranger"] {
            let result = try await call(server, TestCertificates.client(name))
            guard case .failure(let error) = result else {
                Issue.record("\(name ?? "nobody") got through")
                continue
            }
            #expect(error.code == .unavailable)
        }
    }

    @Test("a plain server behind a TLS channel, and the other way round, fail the call")
    func mismatch() async throws {
        try await withProbe { server, _ in
            let loops = try LoopGroup(count: 1)
            try loops.start()
            var configuration = ChannelConfiguration()
            configuration.tls = try TestCertificates.client()
            let channel = NetworkChannel(server.address, loops: loops, configuration: configuration)
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .unavailable)
            await channel.close(grace: .zero)
            loops.stop()
        }
        let server = try await ProbeServer(tls: try TestCertificates.server())
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let channel = NetworkChannel(server.address, loops: loops)
        let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
        #expect(error?.code == .unavailable)
        await channel.close(grace: .zero)
        await server.stop()
        loops.stop()
    }
}
