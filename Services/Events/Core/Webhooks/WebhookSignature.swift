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
    /// - Returns: the headers of a delivery.
    static func headers(
        id: String, seconds: Int64, payload: [UInt8], keys: [Key]
    ) -> [(name: String, value: String)] {
        let time = String(seconds)
        var headers = [(name: "webhook-id", value: id), (name: "webhook-timestamp", value: time)]
        guard !keys.isEmpty else { return headers }
        var signed: [UInt8] = []
        signed.reserveCapacity(id.utf8.count + time.utf8.count + 2 + payload.count)
        for part in [id, time] {
            signed.append(contentsOf: part.utf8)
            signed.append(UInt8(ascii: "."))
        }
        signed.append(contentsOf: payload)
        let signatures = keys.map { "v1," + Base64.encode(digest(signed, $0.bytes)[...]) }
        headers.append((name: "webhook-signature", value: signatures.joined(separator: " ")))
        return headers
    }

    /// What a secret stands for.
    struct Key: Sendable {
        fileprivate let bytes: [UInt8]

        /// Nil for a secret that is none: it signs nothing.
        init?(_ secret: Secret) {
            let text = secret.reveal()
            guard text.hasPrefix(prefix), let bytes = Base64.decode(String(text.dropFirst(prefix.count))),
                !bytes.isEmpty
            else { return nil }
            self.bytes = bytes
        }
    }

    private static func digest(_ bytes: [UInt8], _ key: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        HMAC(EVP_sha256(), key, Int32(clamping: key.count), bytes, bytes.count, &digest, &count)
        return digest
    }
}
