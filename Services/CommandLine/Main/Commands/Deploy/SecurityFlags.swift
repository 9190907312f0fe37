import CommandLineKit
import Contracts

/// Who may ask, and with which certificates, by the flags.
enum SecurityFlags {
    typealias Security = Slipway.Deployments.V1.Security

    static let authentication = Flag.choice(
        "auth", DeploymentWords.authentications.map(\.name), "how callers prove who they are (keys)")
    static let certificate = Flag.text(
        "certificate", "FILE", "PEM file of the certificate that the endpoint shows, with its chain",
        completion: .files)
    static let key = Flag.text("certificate-key", "FILE", "PEM file of its key", completion: .files)
    static let authorities = Flag.text(
        "client-authorities", "FILE", "PEM file: callers must have a certificate of one of these", completion: .files)
    static let host = Flag.text("host", "NAME", "a host name that the endpoint answers to, besides its path")
    static let parts = ["certificate", "client-authorities", "host"]
    static let without = Flag.list("without", parts.joined(separator: "|"), "takes it away") { word in
        parts.contains(word) ? nil : "one of \(parts.joined(separator: ", "))"
    }

    static let all = [
        authentication.specification, certificate.specification, key.specification, authorities.specification,
        host.specification,
    ]

    /// What is said, on top of what there is.
    /// - Returns: nil where nothing is said.
    /// - Throws: `UsageError`, `Failure` for files that can't be read.
    static func security(_ values: Values, on before: Security = Security(), _ path: String) throws -> Security? {
        guard isSaid(values) else { return nil }
        var security = before
        security.certificateUntil = nil
        let dropped = values[without]
        if dropped.contains("certificate") {
            security.certificatePem = ""
            security.keyPem = ""
        }
        if dropped.contains("client-authorities") { security.clientAuthoritiesPem = "" }
        if dropped.contains("host") { security.host = "" }
        if let name = values[authentication] {
            security.authentication =
                DeploymentWords.value(name, in: DeploymentWords.authentications) ?? .unspecified
        }
        if let file = values[certificate] { security.certificatePem = try read(file, certificate, "CERTIFICATE", path) }
        if let file = values[key] { security.keyPem = try read(file, key, "PRIVATE KEY", path) }
        if let file = values[authorities] {
            security.clientAuthoritiesPem = try read(file, authorities, "CERTIFICATE", path)
        }
        if let host = values[host] { security.host = host }
        guard !security.certificatePem.isEmpty || security.keyPem.isEmpty else {
            throw UsageError("--certificate-key goes with --certificate", path: path)
        }
        guard !security.certificatePem.isEmpty || security.clientAuthoritiesPem.isEmpty else {
            throw UsageError("callers show certificates to an endpoint that has one: say --certificate", path: path)
        }
        return security
    }

    static func isSaid(_ values: Values) -> Bool { (all + [without.specification]).contains { values.has($0) } }

    private static func read(_ file: String, _ flag: Flag<String?>, _ kind: String, _ path: String) throws -> String {
        let text = try TextInput.read(file, what: "PEM")
        // The text is not repeated: it may be a secret.
        guard text.contains("-----BEGIN "), text.contains("\(kind)-----") else {
            throw UsageError(
                "--\(flag.specification.name) \(file): must be a PEM file with a \(kind.lowercased())", path: path)
        }
        return text
    }
}
