package import Contracts
internal import Postgres
internal import Protobuf
internal import RPC
internal import ResourceKit
internal import Secrets

extension DeploymentStore {
    /// Says who may ask, and with which certificates.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`, `aborted`, `alreadyExists` for a host that is taken.
    package func setSecurity(
        _ request: V1.SetSecurityRequest, by change: DeploymentChange
    ) async throws -> V1.Deployment {
        guard let given = request.security else {
            throw RPCError.badRequest(field: "security", "say who may ask")
        }
        do {
            return try await self.change(request.name, expecting: request.expectedGeneration, by: change) { before, _ in
                let oldKey = try before.sealedCertificateKey.map { sealed in
                    String(
                        decoding: try box.open(sealed, for: SecretBox.certificateKey(deployment: before.id)),
                        as: UTF8.self)
                }
                var violations = FieldViolations()
                let checked = SecurityRules.check(
                    given, allowsOpen: limits.allowsOpen, oldKey: oldKey, &violations)
                try violations.check()
                return try statements(for: checked, given, before, request.name, change)
            }
        } catch let error as PostgresError where error.code == .uniqueViolation {
            throw taken(error, name: request.name, host: given.host)
        }
    }

    private func statements(
        for checked: CheckedSecurity, _ given: V1.Security, _ before: DeploymentRecord, _ name: String,
        _ change: DeploymentChange
    ) throws -> [PostgresQuery] {
        var old = before.deployment.security ?? .init()
        old.certificateUntil = nil
        guard checked.message != old || !given.keyPem.isEmpty else { return [] }
        let host: String? = checked.message.host.isEmpty ? nil : checked.message.host
        var parts = [checked.message.authentication == .none ? "nobody is asked for a key" : "callers need a key"]
        if checked.key != nil {
            parts.append(
                checked.message.certificatePem == old.certificatePem ? "the certificate stays" : "a new certificate")
        } else if !old.certificatePem.isEmpty {
            parts.append("no certificate any more")
        }
        if !checked.message.clientAuthoritiesPem.isEmpty { parts.append("callers need a certificate") }
        if let host { parts.append("it answers to \(host)") }
        return [
            """
            UPDATE deployments.deployments SET security = \(checked.message.serialized()), host = \(host),
                sealed_certificate_key = \(try checked.sealedKey(for: before.id, box)),
                certificate_until = \(checked.until)
            WHERE id = \(before.id)
            """,
            change.journal(
                "security-set", name, parts.joined(separator: "; "), checked.message.members, before: old.members),
        ]
    }
}

extension V1.Security {
    /// For the journal: whether there are certificates, and not which.
    var members: [(String, String)] {
        [
            ("authentication", RowJSON.text("\(authentication)")), ("host", RowJSON.text(host)),
            ("certificate", certificatePem.isEmpty ? "false" : "true"),
            ("client_authorities", clientAuthoritiesPem.isEmpty ? "false" : "true"),
        ]
    }
}
