import Loop

/// Keeps secrets out of what is written: fields by their names, and known secrets wherever in a text they stand, however
/// they came there (an address with a password, a library's error).
public final class Redactor: Sendable {
    static let replacement = "****"
    /// A name with one of these in it belongs to a secret.
    private static let telling = [
        "password", "passwd", "secret", "token", "authorization", "api_key", "apikey", "cookie", "credential",
        "private_key",
    ]
    /// Shorter ones would blot out ordinary words and tell little.
    private static let shortest = 4

    private let known = Lock<[[UInt8]]>([])

    public init() {}

    /// Secrets to look for from now on. Call it before they are used.
    public func add(_ secrets: [Secret]) {
        let texts = secrets.map { Array($0.reveal().utf8) }.filter { $0.count >= Redactor.shortest }
        // Longest first: one may hold another.
        known.withLock { $0 = Array(Set($0 + texts)).sorted { $0.count > $1.count } }
    }

    static func isTelling(_ name: String) -> Bool {
        let name = name.lowercased()
        return telling.contains { name.contains($0) }
    }

    func value(_ name: String, _ value: LogValue) -> LogValue {
        // Numbers are counts: `tokens=17`.
        guard case .string(let text) = value else { return value }
        return Redactor.isTelling(name) ? .secret : .string(redact(text))
    }

    /// The text without known secrets, and without tokens.
    public func redact(_ text: String) -> String {
        let text = Redactor.withoutTokens(text)
        let known = self.known.withLock { $0 }
        guard !known.isEmpty else { return text }
        var bytes = Array(text.utf8)
        var isChanged = false
        for secret in known {
            while let start = Redactor.find(secret, in: bytes) {
                bytes.replaceSubrange(start..<start + secret.count, with: Redactor.replacement.utf8)
                isChanged = true
            }
        }
        return isChanged ? String(decoding: bytes, as: UTF8.self) : text
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
        guard let first = needle.first, bytes.count >= needle.count else { return nil }
        for start in 0...(bytes.count - needle.count)
        where bytes[start] == first && bytes[start..<start + needle.count].elementsEqual(needle) { return start }
        return nil
    }
}
