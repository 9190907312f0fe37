/// Seals bytes that one of our programs gives to another through a place that others may read: a column of a table, a
/// file. They are bound to a purpose: opened for another one they are refused, so that nothing can be put elsewhere.
public struct SecretBox: Sendable {
    private static let version: UInt8 = 1
    private static let keyCount = 16

    private let keys: SecretKeys

    public init(_ keys: SecretKeys) { self.keys = keys }

    /// - Parameter purpose: what the bytes are for, with the name of what they belong to; not secret.
    /// - Returns: a version, the key's name, a nonce, and the encrypted bytes with their tag.
    /// - Throws: `SecretError.key` where the library fails.
    public func seal(_ plain: [UInt8], for purpose: String) throws(SecretError) -> [UInt8] {
        let nonce = SecretCipher.random(SecretCipher.nonceCount)
        let context = SecretBox.context(purpose)
        guard let sealed = SecretCipher.seal(plain, keys.current, nonce: nonce, context: context) else {
            throw .key("the bytes could not be sealed for \(purpose)")
        }
        return [SecretBox.version] + Array(keys.current.id.utf8) + nonce + sealed
    }

    /// - Throws: `SecretError.key` where the bytes are damaged, sealed for another purpose, or with a key that is not here.
    ///   It does not quote them.
    public func open(_ sealed: [UInt8], for purpose: String) throws(SecretError) -> [UInt8] {
        let head = 1 + SecretBox.keyCount
        let start = head + SecretCipher.nonceCount
        guard sealed.first == SecretBox.version, sealed.count >= start + SecretCipher.tagCount else {
            throw .key("what is sealed for \(purpose) is damaged")
        }
        let id = String(decoding: sealed[1..<head], as: UTF8.self)
        guard let key = keys.key(id) else {
            throw .key("what is sealed for \(purpose) needs the key \(id), which is not here")
        }
        let nonce = Array(sealed[head..<start])
        let context = SecretBox.context(purpose)
        guard let plain = SecretCipher.open(Array(sealed[start...]), key, nonce: nonce, context: context) else {
            throw .key("what is sealed for \(purpose) was changed, or sealed for something else")
        }
        return plain
    }

    private static func context(_ purpose: String) -> [UInt8] { Array("slipway sealed for \(purpose)".utf8) }
}

extension SecretBox {
    /// What the deployer seals in routes and the router opens.
    public static func replicaKey(_ replica: String) -> String { "the key of replica \(replica)" }

    public static func certificateKey(deployment: Int64) -> String { "the certificate of deployment \(deployment)" }
}
