import Access
import Contracts
import HTTP

/// Who may ask a deployment.
struct EndpointAccess: Sendable {
    struct Key: Sendable {
        let digest: SHA256Digest
        let name: String
        /// Seconds since 1970; nil where it has no end.
        let until: Int64?
    }

    let isOpen: Bool
    let keys: [Key]

    /// Nobody may ask where nothing is said.
    init(_ access: Slipway.Routing.V1.RouteAccess?) {
        isOpen = access?.open ?? false
        keys = (access?.keys ?? []).compactMap { key in
            SHA256Digest(bytes: Array(key.digest)).map {
                Key(digest: $0, name: key.name, until: key.until?.seconds)
            }
        }
    }

    /// The name of the key that a caller has; nil where it opens nothing now. Each key is compared whole, so that the time
    /// it takes tells nothing of any.
    func name(of digest: SHA256Digest, now: Int64) -> String? {
        var found: String?
        for key in keys where key.digest == digest && now < key.until ?? .max { found = key.name }
        return found
    }
}

/// The token of a request.
enum BearerToken {
    /// Longer ones are nobody's.
    private static let bytesMax = 8192
    private static let scheme = Array("bearer ".utf8)

    /// The digest of what stands behind `Bearer`; nil where nothing does.
    static func digest(in fields: HeaderFields) -> SHA256Digest? {
        fields.withValue("authorization") { value -> SHA256Digest? in
            guard value.count > scheme.count, value.count <= bytesMax,
                zip(value, scheme).allSatisfy({ $0 == $1 || $0 | 0x20 == $1 })
            else { return nil }
            let token = value[scheme.count...].drop { $0 == 0x20 }
            guard !token.isEmpty else { return nil }
            return SHA256Digest(of: UnsafeRawBufferPointer(rebasing: token))
        } ?? nil
    }
}
