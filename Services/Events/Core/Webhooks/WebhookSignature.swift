import COpenSSL
import Protobuf
public import ServiceKit

/// What shows a receiver that a delivery comes from us: HMAC-SHA256 over `delivery_id.timestamp.payload`.
public enum WebhookSignature {
    static let prefix = "whsec_"
    /// As long as the digest: more would not make it stronger.
    static let keyBytes = 32

    /// A new secret, for the receiver to keep.
    public static func makeSecret() -> Secret {
        var generator = SystemRandomNumberGenerator()
        let key = (0..<keyBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Secret(prefix + Base64.encode(key[...]))
    }

    /// One signature for each secret: while one takes the place of another, receivers may know either.
    /// - Returns: the headers of a delivery; a secret that is none signs nothing.
    static func headers(
        id: String, seconds: Int64, payload: [UInt8], secrets: [Secret]
    ) -> [(name: String, value: String)] {
        let signed = Array("\(id).\(seconds).".utf8) + payload
        let signatures = secrets.compactMap { secret in
            key(secret).map { "v1,\(Base64.encode(digest(signed, $0)[...]))" }
        }
        var headers = [(name: "webhook-id", value: id), (name: "webhook-timestamp", value: "\(seconds)")]
        if !signatures.isEmpty { headers.append((name: "webhook-signature", value: signatures.joined(separator: " "))) }
        return headers
    }

    private static func key(_ secret: Secret) -> [UInt8]? {
        let text = secret.reveal()
        guard text.hasPrefix(prefix), let key = Base64.decode(String(text.dropFirst(prefix.count))), !key.isEmpty else {
            return nil
        }
        return key
    }

    private static func digest(_ bytes: [UInt8], _ key: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        HMAC(EVP_sha256(), key, Int32(clamping: key.count), bytes, bytes.count, &digest, &count)
        return digest
    }
}
