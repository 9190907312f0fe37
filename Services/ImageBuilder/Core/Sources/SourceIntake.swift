internal import Blobs
internal import ResourceKit
internal import Tar

/// Takes a source tree out of a tar archive as its bytes come, each file into the store.
///
/// A blob that was put is not held: it is touched, and what is younger than the collector's age stays, which is far longer
/// than an upload lasts. Thousands of open files are not to be had.
struct SourceIntake {
    static let pathBytesMax = 1024
    private static let batchBytesMax = 4 << 20
    private static let batchFilesMax = 256

    private let store: any BlobStore
    private let limits: SourceLimits
    private var reader = TarReader()
    private var tree: SourceLinks
    private var bytes: Int64 = 0
    private var hasBegun = false

    /// A file that is coming in: small ones are gathered, a large one goes to the store as it comes.
    private struct Current {
        let path: String
        let size: Int64
        let isExecutable: Bool
        var gathered: [UInt8] = []
        var upload: (any BlobUpload)?
    }
    private var current: Current?
    private var batch: [BlobContent] = []
    private var batchBytes = 0

    init(into store: any BlobStore, limits: SourceLimits) {
        self.store = store
        self.limits = limits
        tree = SourceLinks(filesMax: limits.files)
    }

    /// - Throws: `SourceFault`, `TarError`, `BlobError`.
    mutating func take(_ piece: ArraySlice<UInt8>) async throws {
        var rest = piece
        hasBegun = hasBegun || !piece.isEmpty
        while let event = try reader.next(&rest) {
            switch event {
            case .entry(let entry):
                try await finishFile()
                try begin(entry)
            case .contents(let contents): try await append(contents)
            case .end: try await finishFile()
            }
        }
        if let current, current.upload == nil, current.gathered.count == current.size { try await finishFile() }
    }

    /// The tree, its files in the store.
    mutating func finish() async throws -> SourceTree {
        try await finishFile()
        guard hasBegun else { throw SourceFault("there is no archive: not one byte came") }
        guard reader.mayEnd else { throw SourceFault("the archive is cut short") }
        try await flush()
        let files = try tree.followed()
        guard !files.isEmpty else { throw SourceFault("there is not one file in the archive") }
        let result = try SourceTree(files: files)
        guard result.size <= limits.bytes.bytes else { throw tooLarge }
        return result
    }

    /// What came of a file that was not finished.
    mutating func abandon() async {
        try? await current?.upload?.cancel()
        current = nil
    }

    private var tooLarge: SourceFault {
        SourceFault("the files have more than \(limits.bytes)", .tooLarge)
    }

    private mutating func begin(_ entry: TarEntry) throws {
        let path = try TarPath.normal(entry.path)
        guard !path.isEmpty else {
            guard entry.kind == .folder else { throw SourceFault("an entry without a name") }
            return
        }
        guard path.utf8.count <= Self.pathBytesMax else {
            throw SourceFault("a path has \(path.utf8.count) bytes; \(Self.pathBytesMax) at most")
        }
        guard !path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw SourceFault("\(shown(path)) has a control character")
        }
        switch entry.kind {
        case .folder: return try tree.add(folder: path)
        case .symbolicLink(let target):
            // It counts from the folder that the link is in, which `resolve` stands in when it comes to it.
            try tree.add(linkAt: path, to: target, isHard: false)
        case .hardLink(let target): try tree.add(linkAt: path, to: try TarPath.normal(target), isHard: true)
        case .other: throw SourceFault("\(path) is neither file, folder nor link")
        case .file:
            bytes += entry.size
            guard bytes <= limits.bytes.bytes else { throw tooLarge }
            current = Current(path: path, size: entry.size, isExecutable: entry.mode & 0o111 != 0)
        }
        guard tree.count < limits.files || (current == nil && tree.count <= limits.files) else {
            throw SourceFault("there are more than \(limits.files) files", .tooLarge)
        }
    }

    private mutating func append(_ contents: ArraySlice<UInt8>) async throws {
        guard var file = current else { return }
        // Out of its place while it waits: one task feeds it.
        if let upload = file.upload {
            try await upload.append(contents, at: upload.offset)
        } else if file.size > Self.batchBytesMax / 4 {
            let upload = try await store.beginUpload()
            file.upload = upload
            current = file
            try await upload.append(contents, at: 0)
        } else {
            file.gathered += contents
        }
        current = file
    }

    private mutating func finishFile() async throws {
        guard let file = current else { return }
        let digest: BlobDigest
        if let upload = file.upload {
            guard upload.offset == file.size else { return }
            let pin = try await upload.finish(expecting: nil)
            digest = pin.info.digest
            pin.release()
        } else {
            guard file.gathered.count == file.size else { return }
            digest = try BlobHasher.digest(file.gathered)
            batch.append(BlobContent(digest: digest, bytes: file.gathered[...]))
            batchBytes += file.gathered.count
        }
        current = nil
        try tree.add(
            TreeFile(path: file.path, digest: digest, size: file.size, isExecutable: file.isExecutable))
        if batch.count >= Self.batchFilesMax || batchBytes >= Self.batchBytesMax { try await flush() }
    }

    private mutating func flush() async throws {
        guard !batch.isEmpty else { return }
        for pin in try await store.putAll(batch) { pin.release() }
        (batch, batchBytes) = ([], 0)
    }
}
