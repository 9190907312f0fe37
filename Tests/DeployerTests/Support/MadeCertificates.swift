import Glibc
import Testing

@testable import Postgres

/// Certificates made by the openssl command, as people bring them.
struct MadeCertificates: Sendable {
    static let shared = MadeCertificates()
    private let folder = "/tmp/slipway-deployer-certificates-\(getpid())"

    init() {
        mkdir(folder, 0o700)
        authority("authority")
        authority("stranger")
        issue("server", by: "authority")
        issue("renewed", by: "authority")
        issue("caller", by: "authority", usage: "clientAuth")
    }

    private func authority(_ name: String) {
        run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=\(name) "
                + "-keyout \(name).key -out \(name).pem")
    }

    private func issue(_ name: String, by authority: String, usage: String = "serverAuth") {
        run(
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name) "
                + "-addext subjectAltName=DNS:churn.example.org -addext extendedKeyUsage=\(usage) "
                + "-keyout \(name).key -out \(name).csr")
        run(
            "openssl x509 -req -days 2 -in \(name).csr -CA \(authority).pem -CAkey \(authority).key -CAcreateserial "
                + "-copy_extensions copy -out \(name).pem")
    }

    private func run(_ command: String) {
        guard let pipe = popen("cd \(folder) && \(command) 2>&1", "r") else { return }
        while fgetc(pipe) != EOF {}
        let status = pclose(pipe)
        if status != 0 { Issue.record("\(command): \(status)") }
    }

    func text(_ file: String) throws -> String {
        guard let handle = fopen("\(folder)/\(file)", "r") else { throw PostgresError(.usage, "there is no \(file)") }
        defer { fclose(handle) }
        var bytes: [UInt8] = []
        while case let byte = fgetc(handle), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
