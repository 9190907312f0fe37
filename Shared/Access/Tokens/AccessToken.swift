internal import COpenSSL
import ServiceKit

/// A secret text by which a principal proves itself: `slw_p_` and 59 letters and digits. The first ten are the token's
/// public number, by which it is found and revoked; the next 43 hold its 256 random bits; the last six are a checksum, so
/// that a scanner can tell a leaked token from anything else, and a mistyped one is refused without asking the database.
///
///     slw_[psd]_[0-9A-Za-z]{59}
public enum AccessToken {
    static let prefix = "slw_"
    static let idCount = 10
    static let secretCount = 43
    static let checksumCount = 6
    /// `slw_`, a letter, `_`.
    static let headCount = 6
    static let count = headCount + idCount + secretCount + checksumCount

    /// A new token. Its text is in nobody's hands but the caller's, and can't be had again.
    public static func make(_ kind: PrincipalKind) -> (text: Secret, proof: TokenProof) {
        var bytes = Array((prefix + letter(kind) + "_").utf8)
        bytes += randomDigits(idCount)
        bytes += randomDigits(secretCount)
        bytes += checksum(Array(bytes[headCount...]))
        let text = Secret(String(decoding: bytes, as: UTF8.self))
        guard let proof = bytes.withUnsafeBytes(TokenProof.init) else {
            preconditionFailure("a token that was just made is no token")
        }
        return (text, proof)
    }

    static func letter(_ kind: PrincipalKind) -> String {
        switch kind {
        case .person: "p"
        case .service: "s"
        case .deployment: "d"
        }
    }

    /// Digits drawn evenly: bytes that would favour some are drawn again.
    private static func randomDigits(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var digits: [UInt8] = []
        while digits.count < count {
            let byte: UInt8 = generator.next()
            if byte < 248 { digits.append(Base62.digits[Int(byte % 62)]) }
        }
        return digits
    }

    /// The CRC-32 of the digits before it, in six digits.
    static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        var value = bytes.withUnsafeBytes { CRC32.of($0) }
        var digits: [UInt8] = []
        for _ in 0..<checksumCount {
            digits.append(Base62.digits[Int(value % 62)])
            value /= 62
        }
        return digits.reversed()
    }
}

/// What is kept of a token that somebody showed: enough to find it and to compare it, and nothing that could be shown
/// again.
public struct TokenProof: Hashable, Sendable {
    public let kind: PrincipalKind
    /// The public part, as a number.
    public let number: UInt64
    public let digest: SHA256Digest

    init(kind: PrincipalKind, number: UInt64, digest: SHA256Digest) {
        self.kind = kind
        self.number = number
        self.digest = digest
    }

    /// - Returns: nil where the text has not the form of a token, or its checksum is wrong.
    public init?(_ text: String) {
        var text = text
        guard let proof = text.withUTF8({ TokenProof(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = proof
    }

    init?(_ text: UnsafeRawBufferPointer) {
        // `slw_`, a letter, `_`.
        guard text.count == AccessToken.count, text[0] == UInt8(ascii: "s"), text[1] == UInt8(ascii: "l"),
            text[2] == UInt8(ascii: "w"), text[3] == UInt8(ascii: "_"), text[5] == UInt8(ascii: "_")
        else { return nil }
        switch text[4] {
        case UInt8(ascii: "p"): kind = .person
        case UInt8(ascii: "s"): kind = .service
        case UInt8(ascii: "d"): kind = .deployment
        default: return nil
        }
        let idEnd = AccessToken.headCount + AccessToken.idCount
        let end = AccessToken.count - AccessToken.checksumCount
        func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: text[range]) }
        guard let number = Base62.number(part(AccessToken.headCount..<idEnd)), Base62.areDigits(part(idEnd..<end)),
            let checksum = Base62.number(part(end..<text.count)),
            checksum == UInt64(CRC32.of(part(AccessToken.headCount..<end)))
        else { return nil }
        self.number = number
        digest = SHA256Digest(of: text)
    }

    /// The number of a public part; nil for what is none.
    public static func number(_ id: String) -> UInt64? {
        guard id.utf8.count == AccessToken.idCount else { return nil }
        let bytes = Array(id.utf8)
        return bytes.withUnsafeBytes { Base62.number($0) }
    }

    /// The public part as it stands in the token.
    public var id: String { Base62.text(number, count: AccessToken.idCount) }
}
