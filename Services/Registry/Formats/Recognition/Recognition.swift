/// One look at the files of one model.
final class Recognition {
    let files: any ModelFiles
    let limits: RecognitionLimits
    let paths: [String]
    private let total: ByteBudget
    private let known: Set<String>

    init(_ files: any ModelFiles, limits: RecognitionLimits) {
        self.files = files
        self.limits = limits
        paths = files.paths.sorted { Self.depth($0) == Self.depth($1) ? $0 < $1 : Self.depth($0) < Self.depth($1) }
        known = Set(paths)
        total = ByteBudget(limits.totalBytesMax)
    }

    func has(_ path: String) -> Bool { known.contains(path) }

    func describe() throws -> ModelDescription {
        if let path = paths.first(where: { Self.name($0) == "MLmodel" }) { return try describeMLflow(path) }
        if let path = paths.first(where: { Self.name($0) == "saved_model.pb" }) {
            return try describeFolder(chosen: path, .savedModel, framework: "tensorflow")
        }
        return try describeFolder()
    }

    // MARK: Reading

    /// The content of a file from its beginning, against the limits of one file.
    func open(_ path: String, size: Int, bytesMax: Int? = nil) -> ByteCursor {
        ByteCursor(FileSource(files, path, 0..<max(size, 0), budget: budget(bytesMax)))
    }

    func budget(_ bytesMax: Int? = nil) -> ByteBudget { ByteBudget(bytesMax ?? limits.fileBytesMax, within: total) }

    /// A text file as a whole. Throws `limit` when it is too long for one.
    func text(_ path: String) throws -> [UInt8] {
        let size = try files.size(of: path)
        guard size <= limits.textBytesMax else {
            throw FormatError(.limit, "a text file of more than \(limits.textBytesMax) bytes is not read")
        }
        return try open(path, size: size).bytes(size)
    }

    // MARK: Paths

    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    static func depth(_ path: String) -> Int { path.utf8.count { $0 == UInt8(ascii: "/") } }

    static func suffix(_ path: String) -> String {
        let name = name(path)
        return name.lastIndex(of: ".").map { name[$0...].lowercased() } ?? ""
    }

    /// The folder of a path with its slash, or nothing.
    static func folder(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }

    /// A reference from a file in `folder`, as a path; nil when it leaves the model.
    static func resolve(_ reference: String, in folder: String) -> String? {
        guard !reference.hasPrefix("/"), !reference.contains("\\"), !reference.contains("\0"),
            !reference.contains("://")
        else { return nil }
        let parts = reference.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { return nil }
        return folder + parts.joined(separator: "/")
    }
}
