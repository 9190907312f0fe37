/// Immutable bytes by the digest of their content. Usable from any executor and any number of tasks.
///
/// What is being written, read or pinned is never collected, whichever process does it. Every implementation passes the
/// same conformance suite.
public protocol BlobStore: Sendable {
    /// Nil where there is no such blob.
    func stat(_ digest: BlobDigest) async throws -> BlobInfo?

    /// Those of the blobs that there are, in no particular order.
    func stat(_ digests: [BlobDigest]) async throws -> [BlobInfo]

    /// The blobs that follow `after` in the order of their digests, at most `limit`.
    func list(after: BlobDigest?, limit: Int) async throws -> [BlobInfo]

    /// Keeps a blob from being collected until the pin is released: take one before a reference to a blob is recorded.
    /// - Throws: `BlobError` `.notFound`.
    func pin(_ digest: BlobDigest) async throws -> BlobPin

    /// Opens a blob; it can't be collected before the reader is released.
    /// - Throws: `BlobError` `.notFound`.
    func open(_ digest: BlobDigest) async throws -> any BlobReader

    /// Begins an upload. It survives the process: what was appended is there for `resumeUpload`.
    func beginUpload() async throws -> any BlobUpload

    /// Stores many small blobs, made durable together rather than one by one. A pin may be an open file: a batch has some
    /// hundred blobs at most, and what it has it holds in memory.
    /// - Returns: a pin for each, in their order; all of them are durable.
    /// - Throws: `BlobError` `.digestMismatch` with the first whose bytes are not what it was to be, and nothing was
    ///   stored. After another error some of them may be there, and nobody holds them.
    func putAll(_ batch: [BlobContent]) async throws -> [BlobPin]

    /// Takes up an upload where it stands.
    /// - Throws: `BlobError` `.notFound`; `.busy` where someone has it open.
    func resumeUpload(_ id: BlobUploadID) async throws -> any BlobUpload

    /// Removes blobs and abandoned uploads that nobody holds, that are older than `age`, and of which `isReferenced` says
    /// no. It is asked with some blobs at a time and answers with those to keep.
    func collect(
        olderThan age: Duration, isReferenced: @Sendable ([BlobDigest]) async throws -> Set<BlobDigest>
    ) async throws -> BlobCollection

    /// Reads every blob after `after` and compares it with its name. Damaged ones are taken out of the store, so that
    /// they are absent rather than wrong and may be put again.
    func scrub(after: BlobDigest?, limit: Int) async throws -> BlobScrub
}

/// A small blob on its way into a store.
public struct BlobContent: Sendable {
    public let digest: BlobDigest
    public let bytes: ArraySlice<UInt8>

    public init(digest: BlobDigest, bytes: ArraySlice<UInt8>) {
        self.digest = digest
        self.bytes = bytes
    }

    /// - Throws: `BlobError` `.digestMismatch` where the bytes are not what the digest says.
    func check() throws(BlobError) {
        let hasher = try BlobHasher()
        bytes.withUnsafeBytes { hasher.update($0) }
        let found = try hasher.finish()
        guard found == digest else {
            throw BlobError(.digestMismatch, "what came is \(found), and not \(digest)", digest: digest)
        }
    }
}

public struct BlobInfo: Hashable, Sendable {
    public let digest: BlobDigest
    public let size: Int64

    public init(digest: BlobDigest, size: Int64) {
        self.digest = digest
        self.size = size
    }
}

/// Keeps a blob in the store while it is held. Released by `release`, or when nobody holds it any more.
public final class BlobPin: Sendable {
    public let info: BlobInfo
    private let onRelease: @Sendable () -> Void

    /// - Parameter onRelease: called when the pin is released; more than once does no harm to it.
    public init(_ info: BlobInfo, onRelease: @escaping @Sendable () -> Void) {
        self.info = info
        self.onRelease = onRelease
    }

    deinit { onRelease() }

    public func release() { onRelease() }
}

/// An open blob. Reads may overlap.
public protocol BlobReader: Sendable {
    var info: BlobInfo { get }

    /// The bytes of the range.
    /// - Throws: `BlobError` `.outOfRange` where the range is not inside the blob.
    func read(_ range: Range<Int64>) async throws -> [UInt8]

    /// Lets the blob go; a read after it fails.
    func release()
}

/// Names an upload across restarts: 32 hexadecimal digits.
public struct BlobUploadID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// Nil where the text is no such name.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 32,
            text.utf8.allSatisfy({
                ("0"..."9").contains(Character(.init($0))) || ("a"..."f").contains(Character(.init($0)))
            })
        else { return nil }
        description = String(text)
    }

    /// A name that nobody else has.
    public init() {
        let digits = [UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max)].map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        description = digits.joined()
    }
}

/// A blob while it is written. Its calls belong to one task at a time.
public protocol BlobUpload: Sendable {
    var id: BlobUploadID { get }

    /// How many bytes are there, and where the next part begins.
    var offset: Int64 { get }

    /// Appends a part.
    /// - Throws: `BlobError` `.offsetMismatch` where `offset` is not where the upload stands; nothing was written then.
    ///   After `.outOfSpace` the upload stands where it stood and may go on later.
    func append(_ bytes: ArraySlice<UInt8>, at offset: Int64) async throws

    /// Makes the upload a blob: durable when this returns, and pinned so that a reference to it can be recorded.
    /// - Throws: `BlobError` `.digestMismatch`, and the upload is gone then.
    func finish(expecting digest: BlobDigest?) async throws -> BlobPin

    /// Lets go of the upload, so that somebody can resume it.
    func suspend() async throws

    /// Removes what came so far.
    func cancel() async throws
}

/// What a collection did.
public struct BlobCollection: Sendable, Equatable {
    public var examined = 0
    public var removed: [BlobDigest] = []
    public var removedBytes: Int64 = 0
    /// Old and not referenced, but held by somebody, or held between the question and the answer.
    public var held = 0
    public var removedUploads = 0

    public init() {}
}

/// What a scrub found.
public struct BlobScrub: Sendable, Equatable {
    public var examined = 0
    public var examinedBytes: Int64 = 0
    public var damaged: [BlobDigest] = []
    /// Blobs that the disk would not give back, with its reason.
    public var unreadable: [BlobDigest: String] = [:]
    /// Where to go on; nil at the end of the store.
    public var next: BlobDigest?

    public init() {}
}
