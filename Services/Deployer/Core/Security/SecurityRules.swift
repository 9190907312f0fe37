internal import Contracts
internal import Glibc
internal import Postgres
internal import ResourceKit
internal import Secrets

/// Who may ask, looked through: as it is written down, and the key beside it.
struct CheckedSecurity: Sendable {
    /// Without its key.
    var message: V1.Security
    /// The certificate's; nil where there is no certificate.
    var key: String?
    var until: PostgresTimestamp?

    /// - Throws: `SecretError`.
    func sealedKey(for deployment: Int64, _ box: SecretBox) throws -> [UInt8]? {
        try key.map { try box.seal(Array($0.utf8), for: SecretBox.certificateKey(deployment: deployment)) }
    }
}

/// What may be said of who may ask.
enum SecurityRules {
    static let pemBytesMax = 256 << 10

    /// - Parameters:
    ///   - oldKey: the key that stays where none is given beside a certificate.
    ///   - now: seconds since 1970.
    static func check(
        _ given: V1.Security?, allowsOpen: Bool, oldKey: String? = nil, now: Int = time(nil),
        _ violations: inout FieldViolations
    ) -> CheckedSecurity {
        var message = given ?? .init()
        message.certificateUntil = nil
        let key = message.keyPem
        message.keyPem = ""
        switch message.authentication {
        case .unspecified: message.authentication = .keys
        case .keys, .tokens: break
        case .none:
            if !allowsOpen {
                violations.add(
                    "security.authentication", "NONE is only where the deployer's setting `limits.open` allows it")
            }
        default: violations.add("security.authentication", "\(message.authentication) is not known")
        }
        message.host = host(message.host, &violations)
        var checked = CheckedSecurity(message: message)
        for (text, field) in [
            (message.certificatePem, "certificate_pem"), (key, "key_pem"),
            (message.clientAuthoritiesPem, "client_authorities_pem"),
        ] { violations.check(text: text, "security.\(field)", bytesMax: pemBytesMax) }
        guard violations.isEmpty else { return checked }
        if message.certificatePem.isEmpty {
            withoutCertificate(message, key, &violations)
        } else {
            certificate(&checked, key: key.isEmpty ? oldKey : key, isKeyGiven: !key.isEmpty, now, &violations)
        }
        return checked
    }

    private static func withoutCertificate(
        _ message: V1.Security, _ key: String, _ violations: inout FieldViolations
    ) {
        if !key.isEmpty { violations.add("security.key_pem", "there is no certificate that it belongs to") }
        if !message.clientAuthoritiesPem.isEmpty {
            violations.add(
                "security.client_authorities_pem",
                "callers show certificates only to an endpoint that has one of its own")
        }
    }

    private static func certificate(
        _ checked: inout CheckedSecurity, key: String?, isKeyGiven: Bool, _ now: Int,
        _ violations: inout FieldViolations
    ) {
        do {
            let chain = try Certificates(pem: checked.message.certificatePem)
            for fault in chain.faultsOfServer(now: now) { violations.add("security.certificate_pem", fault) }
            if !checked.message.host.isEmpty, !chain.isFor(host: checked.message.host) {
                violations.add("security.host", "the certificate is not for \(checked.message.host)")
            }
            checked.until = PostgresTimestamp(microseconds: Int64(chain.until) * 1_000_000)
            if let key {
                check(key, chain, isGiven: isKeyGiven, &violations)
                checked.key = key
            } else {
                violations.add("security.key_pem", "the certificate needs its key")
            }
        } catch { violations.add("security.certificate_pem", error.message) }
        guard !checked.message.clientAuthoritiesPem.isEmpty else { return }
        do {
            let authorities = try Certificates(pem: checked.message.clientAuthoritiesPem)
            for fault in authorities.faultsOfAuthorities(now: now) {
                violations.add("security.client_authorities_pem", fault)
            }
        } catch { violations.add("security.client_authorities_pem", error.message) }
    }

    private static func check(
        _ key: String, _ chain: Certificates, isGiven: Bool, _ violations: inout FieldViolations
    ) {
        do throws(Certificates.Failure) {
            guard try !chain.fits(key: key) else { return }
            violations.add(
                "security.key_pem",
                isGiven
                    ? "it does not belong to the certificate"
                    : "none was given, and the one that is there does not belong to the new certificate")
        } catch { violations.add("security.key_pem", error.message) }
    }

    /// In small letters.
    private static func host(_ given: String, _ violations: inout FieldViolations) -> String {
        let host = given.lowercased()
        guard !host.isEmpty else { return "" }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let isFine = labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                }
        }
        if !isFine || host.utf8.count > 253 || labels.count < 2 {
            violations.add("security.host", "\(shown(given)) is no host name such as churn.example.org")
        }
        return host
    }
}
