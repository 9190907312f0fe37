internal import COpenSSL

/// A SHA-256 under way. It may go from task to task, and is used by one at a time.
public final class BlobHasher: @unchecked Sendable {
    private let context: OpaquePointer

    /// - Throws: `BlobError` where the library has no memory, or has SHA-256 switched off.
    public init() throws(BlobError) {
        guard let context = EVP_MD_CTX_new() else {
            throw BlobError(.resources, "no memory for a digest")
        }
        self.context = context
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            throw BlobError(.resources, "the cryptographic library refuses SHA-256")
        }
    }

    deinit { EVP_MD_CTX_free(context) }

    public func update(_ bytes: UnsafeRawBufferPointer) {
        _ = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    /// The digest of everything that came; the hasher can't go on after it.
    /// - Throws: `BlobError` where it was finished before.
    public func finish() throws(BlobError) -> BlobDigest {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard EVP_DigestFinal_ex(context, &bytes, &count) == 1, count == 32, let digest = BlobDigest(bytes: bytes)
        else { throw BlobError(.resources, "the digest could not be finished") }
        return digest
    }

    /// The digest of bytes at hand.
    public static func digest(_ bytes: some Sequence<UInt8>) throws(BlobError) -> BlobDigest {
        let hasher = try BlobHasher()
        Array(bytes).withUnsafeBytes { hasher.update($0) }
        return try hasher.finish()
    }
}
