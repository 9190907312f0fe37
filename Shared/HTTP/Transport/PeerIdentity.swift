/// Who is at the other end of a connection. A reference, because every stream of the connection carries it.
public final class PeerIdentity: Sendable {
    /// The address as text: `127.0.0.1:4711`, `[::1]:4711` or `unix:/path`.
    public let address: String
    /// True where the bytes are encrypted.
    public let isEncrypted: Bool
    /// The certificate that the peer proved, verified against the configured authority; nil without mutual TLS.
    public let certificate: PeerCertificate?

    /// What the TLS context is called that the connection was made with; nil where it has no name.
    public let contextName: String?

    public init(
        address: String, isEncrypted: Bool = false, certificate: PeerCertificate? = nil, contextName: String? = nil
    ) {
        self.address = address
        self.isEncrypted = isEncrypted
        self.certificate = certificate
        self.contextName = contextName
    }
}

/// What a verified certificate says of its holder.
public struct PeerCertificate: Sendable, Equatable {
    /// The subject in RFC 2253 form.
    public var subject: String
    public var commonName: String?
    public var dnsNames: [String] = []
    /// For instance a SPIFFE identity.
    public var uris: [String] = []
    /// SHA-256 of the certificate, in lower-case hexadecimal.
    public var fingerprint: String
}
