internal import Zip

/// A file of a model that is a zip archive: its entries, and what is in them.
struct ZipArchive {
    typealias Entry = ZipEntry

    private let files: any ModelFiles
    private let path: String
    private let fileSize: Int
    private let budget: ByteBudget
    private let limits: RecognitionLimits
    let entries: [Entry]
    /// More entries than are kept.
    let isCut: Bool

    static func isPlausible(_ head: [UInt8]) -> Bool { ZipDirectory.isPlausible(head) }

    init(
        _ files: any ModelFiles, _ path: String, size: Int, budget: ByteBudget, limits: RecognitionLimits
    ) throws {
        self.files = files
        self.path = path
        self.budget = budget
        self.limits = limits
        fileSize = size
        let directory = try Self.translating {
            try ZipDirectory(size: size, entriesMax: limits.listCountMax) { range in
                try ByteCursor(FileSource(files, path, range, budget: budget)).bytes(range.count)
            }
        }
        (entries, isCut) = (directory.entries, directory.isCut)
    }

    /// The content of an entry, unfolded where it is folded.
    func open(_ entry: Entry) throws -> ByteCursor {
        guard !entry.isEncrypted else { throw FormatError(.unsupported, "the entry \"\(entry.name)\" is encrypted") }
        let range = try Self.translating {
            try ZipDirectory.contents(of: entry, size: fileSize) { range in
                try ByteCursor(FileSource(files, path, range, budget: budget)).bytes(range.count)
            }
        }
        let source = FileSource(files, path, range, budget: budget)
        switch entry.method {
        case 0: return ByteCursor(source)
        case 8: return ByteCursor(InflateSource(source, .raw, budget: ByteBudget(limits.fileBytesMax)))
        default: throw FormatError(.unsupported, "the entry \"\(entry.name)\" is folded by method \(entry.method)")
        }
    }

    private static func translating<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as ZipError {
            let code: FormatError.Code =
                switch error.code {
                case .truncated: .truncated
                case .malformed: .malformed
                case .limit: .limit
                case .unsupported: .unsupported
                }
            throw FormatError(code, error.description)
        }
    }
}
