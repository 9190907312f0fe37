import Access
import ServiceKit

/// The 256 bits that secrets are encrypted with. They never go into the database, and are never printed.
public struct SecretKey: Sendable, CustomStringConvertible, CustomReflectable {
    static let count = 32

    let bytes: [UInt8]
    /// Tells keys apart without telling what they are; stands beside each secret.
    public let id: String

    /// - Returns: nil unless there are 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == SecretKey.count else { return nil }
        self.bytes = bytes
        let digest = SHA256Digest(of: Array("slipway key id".utf8) + bytes)
        id = String(digest.hexadecimal.prefix(16))
    }

    /// A key as configuration and the environment give it: 64 hexadecimal digits.
    /// - Throws: `SecretError.key`, which does not quote it.
    public init(_ text: Secret) throws(SecretError) {
        guard let digits = SHA256Digest(hexadecimal: text.reveal().lowercased()),
            let key = SecretKey(bytes: digits.bytes)
        else { throw .key("the key for secrets is not 64 hexadecimal digits") }
        self = key
    }

    /// 32 bytes for something else, from which nobody learns this key or those for other purposes.
    public func derived(for purpose: String) -> [UInt8] {
        SHA256Digest(of: Array("slipway derived key \(purpose)".utf8) + [0] + bytes).bytes
    }

    public static func random() -> SecretKey {
        let bytes = SecretCipher.random(count)
        guard let key = SecretKey(bytes: bytes) else { preconditionFailure("\(bytes.count) bytes make no key") }
        return key
    }

    /// The key of a file, which only its owner may read. Where there is none it is made: of any number of instances that
    /// start at once, one makes it and the others read it.
    ///
    /// Whoever loses this file loses every secret: it belongs into the backup, apart from the database's.
    /// - Throws: `SecretError.key`.
    public static func load(file path: String) throws -> SecretKey {
        do {
            if let key = try read(path) { return key }
            let key = random()
            let text = key.bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
            if try PrivateFile.create(Array("\(text)\n".utf8), at: path) { return key }
            if let key = try read(path) { return key }
            throw SecretError.key("\(path) went away while it was read")
        } catch let failure as PrivateFile.Failure {
            throw SecretError.key(failure.description)
        }
    }

    private static func read(_ path: String) throws -> SecretKey? {
        guard let bytes = try PrivateFile.read(path, limit: 4096) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let digits = SHA256Digest(hexadecimal: text), let key = SecretKey(bytes: digits.bytes) else {
            throw SecretError.key("\(path) should hold a key for secrets: 64 hexadecimal digits")
        }
        return key
    }

    public var description: String { "key \(id)" }
    public var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// The key that new secrets are written with, and older ones that some are still to be read with.
public struct SecretKeys: Sendable {
    public let current: SecretKey
    private let known: [String: SecretKey]

    public init(_ current: SecretKey, older: [SecretKey] = []) {
        self.current = current
        known = Dictionary((older + [current]).map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
    }

    func key(_ id: String) -> SecretKey? { known[id] }
    var ids: [String] { known.keys.sorted() }
}
