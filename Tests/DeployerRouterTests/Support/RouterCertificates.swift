import Contracts
import Glibc
import HTTP
import Loop
import Testing

@testable import DeployerRouter

/// Certificates of deployments and of callers, made by the openssl command in a folder of their own.
struct RouterCertificates: Sendable {
    let folder: String

    init() throws {
        folder = "/tmp/slipway-router-certificates-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        mkdir(folder, 0o700)
        authority("authority")
        authority("stranger")
        issue("open", "DNS:open.acme.example.test", by: "authority")
        issue("strict", "DNS:strict.acme.example.test", by: "authority")
        issue("client", "URI:spiffe://slipway/caller", by: "authority")
        issue("foreign", "URI:spiffe://elsewhere/caller", by: "stranger")
    }

    private func authority(_ name: String) {
        run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=\(name) "
                + "-keyout \(name).key -out \(name).pem")
    }

    private func issue(_ name: String, _ names: String, by authority: String) {
        run(
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name) "
                + "-addext subjectAltName=\(names) -keyout \(name).key -out \(name).csr")
        run(
            "openssl x509 -req -days 2 -in \(name).csr -CA \(authority).pem -CAkey \(authority).key -CAcreateserial "
                + "-copy_extensions copy -out \(name).pem")
    }

    private func run(_ command: String) {
        guard let pipe = popen("cd \(folder) && \(command) 2>/dev/null", "r") else { return }
        if pclose(pipe) != 0 { Issue.record("failed: \(command)") }
    }

    func remove() { if let pipe = popen("rm -rf -- \(folder)", "r") { pclose(pipe) } }

    func text(_ file: String) throws -> String {
        let descriptor = open("\(folder)/\(file)", O_RDONLY)
        guard descriptor >= 0 else { throw LoopError(operation: "open \(file)", number: errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// As it stands in a route; the fixture's seal is none.
    func certificate(_ name: String) throws -> Slipway.Routing.V1.RouteCertificate {
        .init(chainPem: try text("\(name).pem"), sealedKey: .init(try text("\(name).key").utf8))
    }

    func client(_ name: String?, asking serverName: String) throws -> TLSContext {
        var configuration = TLSConfiguration(authorityFile: "\(folder)/authority.pem")
        if let name {
            configuration.certificateFile = "\(folder)/\(name).pem"
            configuration.keyFile = "\(folder)/\(name).key"
        }
        configuration.serverName = serverName
        return try TLSContext(configuration, role: .client)
    }
}

extension RouterFixture {
    /// A client that asks for the deployment's name in its handshakes.
    func withSecureClient<Result: Sendable>(
        _ certificates: RouterCertificates, _ deployment: String, as name: String?,
        _ body: (HTTPClient) async throws -> Result
    ) async throws -> Result {
        let context = try certificates.client(name, asking: "\(deployment).acme.example.test")
        let client = HTTPClient(loops: loops, resolver: pool, configuration: .init(tls: context))
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }

    func askSecurely(
        _ address: SocketAddress, _ client: HTTPClient, _ deployment: String, authority: String? = nil,
        _ path: String = "/", _ fields: HeaderFields = [:]
    ) async throws -> Answer {
        var fields = fields
        fields.add("authorization", "Bearer key")
        let request = RequestHead(
            method: .get, scheme: "https", authority: authority ?? "\(deployment).acme.example.test", path: path,
            fields: fields)
        return try await client.execute(request, address: address, deadline: .seconds(60)) { head, body in
            let text = try await body.collect(upTo: 1024 * 1024)
            return Answer(
                status: head.status, fields: head.fields, text: String(decoding: text, as: UTF8.self), trailers: nil)
        }
    }

    @discardableResult
    func askSecurely(
        _ address: SocketAddress, _ certificates: RouterCertificates, _ deployment: String, as name: String?,
        authority: String? = nil, _ path: String = "/", _ fields: HeaderFields = [:]
    ) async throws -> Answer {
        try await withSecureClient(certificates, deployment, as: name) { client in
            try await askSecurely(address, client, deployment, authority: authority, path, fields)
        }
    }
}
