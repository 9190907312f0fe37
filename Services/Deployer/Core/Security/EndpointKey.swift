internal import Access
internal import Postgres
internal import Secrets
internal import ServiceKit

/// Something that opens an endpoint. Its text looks like every other token of the suite's, so that scanners know it and
/// logs hide it.
struct EndpointKey: Sendable {
    enum Kind: String, Sendable {
        case primary, secondary, token
    }

    let kind: Kind
    let text: String
    private let digest: SHA256Digest

    /// Drawn anew.
    init(_ kind: Kind) {
        self.kind = kind
        let (secret, proof) = AccessToken.make(.deployment)
        text = secret.reveal()
        digest = proof.digest
    }

    static func pair() -> [EndpointKey] { [EndpointKey(.primary), EndpointKey(.secondary)] }

    /// What keeps it, in place of the one of its kind that was there.
    /// - Parameter until: in seconds from now; nil where it has no end.
    func statements(
        for deployment: Int64, _ box: SecretBox, by actor: String, until seconds: Double? = nil
    ) throws -> [PostgresQuery] {
        let kept = try kind == .token ? nil : box.seal(Array(text.utf8), for: Self.purpose(kind, deployment))
        let insertion: PostgresQuery = """
            INSERT INTO deployments.endpoint_keys (deployment, kind, digest, sealed, until, created_by)
            VALUES (\(deployment), \(kind.rawValue), \(digest.bytes), \(kept),
                now() + \(seconds) * interval '1 second', \(actor))
            """
        guard kind != .token else { return [insertion] }
        return [
            "DELETE FROM deployments.endpoint_keys WHERE deployment = \(deployment) AND kind = \(kind.rawValue)",
            insertion,
        ]
    }

    /// - Throws: `SecretError`.
    static func open(_ sealed: [UInt8], _ kind: Kind, of deployment: Int64, _ box: SecretBox) throws -> String {
        String(decoding: try box.open(sealed, for: purpose(kind, deployment)), as: UTF8.self)
    }

    private static func purpose(_ kind: Kind, _ deployment: Int64) -> String {
        "the \(kind.rawValue) key of deployment \(deployment)"
    }
}
