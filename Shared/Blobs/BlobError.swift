import Glibc

/// Why a store refused or failed.
public struct BlobError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// There is no such blob or upload.
        case notFound
        /// What came has another digest than was promised.
        case digestMismatch
        /// A part begins elsewhere than where the upload stands.
        case offsetMismatch
        /// Someone else writes this upload, or a call of it is still under way.
        case busy
        /// The range is not inside the blob.
        case outOfRange
        case outOfSpace
        /// The bytes in the store are not those that its name says.
        case corrupt
        /// The store's queue, memory or descriptors are spent; later it may work.
        case resources
        /// The disk or the system failed.
        case inputOutput
        /// The folder is not a store, or one of another format.
        case badStore
    }

    public let code: Code
    /// For a person: what failed, where.
    public let message: String
    /// The system's error number where there was one.
    public let number: Int32?
    /// Which of several blobs is meant, where one is.
    public let digest: BlobDigest?

    public init(_ code: Code, _ message: String, digest: BlobDigest? = nil) {
        self.code = code
        self.message = message
        self.digest = digest
        number = nil
    }

    /// A failed system call.
    init(_ operation: String, _ path: String, number: Int32) {
        code =
            switch number {
            case ENOSPC, EDQUOT, EFBIG: .outOfSpace
            case ENOENT: .notFound
            case EMFILE, ENFILE, ENOMEM: .resources
            default: .inputOutput
            }
        message = "\(operation) \(path): \(String(cString: strerror(number)))"
        self.number = number
        digest = nil
    }

    public var description: String { message }
}
