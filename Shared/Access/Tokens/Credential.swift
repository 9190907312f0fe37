import Glibc
import HTTP

/// What a caller proves itself by.
public enum Credential: Equatable, Sendable {
    case token(TokenProof)
    /// A certificate that TLS verified.
    case certificate(PeerCertificate)
}

extension PeerCertificate {
    /// The names by which a certificate can be made a principal, the most telling first: `sha256:` and its fingerprint,
    /// `uri:`, `dns:`. The subject is for people, and says nothing here.
    public var accessNames: [String] {
        ["sha256:\(fingerprint)"] + uris.map { "uri:\($0)" } + dnsNames.map { "dns:\($0)" }
    }
}

/// What a call says of its caller and its workspace.
struct Presented {
    enum Proof {
        case nothing
        /// Something that can't be a token, with the reason.
        case unusable(String)
        case token(TokenProof)
    }

    var proof = Proof.nothing
    var workspace: String?

    /// Reads a request's fields once, without copying a token out of them.
    init(_ fields: HeaderFields) {
        var proof = Proof.nothing
        var workspace: String?
        fields.forEachBytes { name, value in
            if Presented.matches(name, "authorization") {
                // Two of them: somebody on the way may have looked at the other.
                if case .nothing = proof { proof = Presented.proof(value) } else { proof = .unusable(Presented.twice) }
            } else if Presented.matches(name, "slipway-workspace") {
                workspace = String(decoding: value, as: UTF8.self)
            }
        }
        self.proof = proof
        self.workspace = workspace
    }

    /// Compared as bytes, for this is asked of every field of every call.
    private static func matches(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount, let start = bytes.baseAddress else { return false }
        return memcmp(start, text.utf8Start, bytes.count) == 0
    }

    /// The scheme in whatever case.
    private static func isBearer(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.map { $0 | 0x20 } == Array("bearer ".utf8)
    }

    private static let twice = "there is more than one authorization"

    private static func proof(_ value: UnsafeRawBufferPointer) -> Proof {
        let scheme = UnsafeRawBufferPointer(rebasing: value.prefix(7))
        guard matches(scheme, "Bearer ") || isBearer(scheme) else {
            return .unusable("the authorization is not Bearer and a token")
        }
        guard let token = TokenProof(UnsafeRawBufferPointer(rebasing: value[7...])) else {
            return .unusable("the token is not one of Slipway's, or mistyped")
        }
        return .token(token)
    }
}
