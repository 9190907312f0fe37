import Glibc
import Testing

@testable import HTTP

/// An authority with a server's and a client's certificate, made by the openssl command in a folder of its own.
struct Certificates: Sendable {
    static let shared = Certificates()
    let folder: String

    init() {
        folder = temporaryPath("certificates")
        mkdir(folder, 0o700)
        run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=Test authority' "
                + "-keyout authority.key -out authority.pem")
        issue("server", "DNS:localhost,IP:127.0.0.1")
        issue("second", "DNS:localhost,IP:127.0.0.1")
        issue("named", "DNS:registry.test")
        issue("client", "URI:spiffe://slipway/test")
    }

    private func issue(_ name: String, _ names: String) {
        run(
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name) "
                + "-addext subjectAltName=\(names) -keyout \(name).key -out \(name).csr")
        run(
            "openssl x509 -req -days 2 -in \(name).csr -CA authority.pem -CAkey authority.key -CAcreateserial "
                + "-copy_extensions copy -out \(name).pem")
    }

    func run(_ command: String) {
        guard let pipe = popen("cd \(folder) && \(command) 2>&1", "r") else { return }
        var text = [CChar](repeating: 0, count: 4096)
        var output = ""
        while fgets(&text, Int32(text.count), pipe) != nil {
            output += String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        let status = pclose(pipe)
        if status != 0 { Issue.record("\(command): \(output)") }
    }

    func text(_ file: String) throws -> String {
        let descriptor = open(path(file), O_RDONLY)
        guard descriptor >= 0 else { throw TLSError(message: "no \(file)") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// A server's, as texts in place of files.
    func texts(_ name: String) throws -> TLSConfiguration {
        var configuration = TLSConfiguration()
        configuration.certificateText = try text("\(name).pem")
        configuration.keyText = try text("\(name).key")
        return configuration
    }

    func path(_ file: String) -> String { "\(folder)/\(file)" }

    func server(_ name: String = "server", mutual: Bool = false, required: Bool = true) throws -> TLSContext {
        var configuration = TLSConfiguration(certificateFile: path("\(name).pem"), keyFile: path("\(name).key"))
        if mutual { configuration.authorityFile = path("authority.pem") }
        configuration.requiresPeerCertificate = required
        return try TLSContext(configuration, role: .server)
    }

    func client(
        _ name: String? = nil, protocols: [String] = ["h2", "http/1.1"], serverName: String? = "localhost"
    ) throws -> TLSContext {
        var configuration = TLSConfiguration(authorityFile: path("authority.pem"))
        if let name {
            configuration.certificateFile = path("\(name).pem")
            configuration.keyFile = path("\(name).key")
        }
        configuration.protocols = protocols
        configuration.serverName = serverName
        return try TLSContext(configuration, role: .client)
    }
}
