/// Something about a model's files that a person should know before trusting or serving it.
public struct ModelWarning: Hashable, Sendable, CustomStringConvertible {
    /// What kind of trouble: an open set of stable words for programs.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        /// Loading would import what can run commands, reach files or the network, or import anything else.
        public static let dangerousImport = Code(rawValue: "pickle.dangerous-import")
        /// Loading would import what is not among the names known to be harmless.
        public static let suspiciousImport = Code(rawValue: "pickle.suspicious-import")
        /// Loading would import something whose name is computed on the way, so that it cannot be told which.
        public static let unresolvedImport = Code(rawValue: "pickle.unresolved-import")
        /// A part of a pickle was not looked at; the list of imports may lack some.
        public static let scanIncomplete = Code(rawValue: "pickle.scan-incomplete")
        /// Bytes follow the end of the last pickle.
        public static let trailingBytes = Code(rawValue: "pickle.trailing-bytes")
        /// A file ends too early.
        public static let truncated = Code(rawValue: "file.truncated")
        /// A file breaks the rules of its format.
        public static let malformed = Code(rawValue: "file.malformed")
        /// A file says more than the limits allow to read; what was read until then is kept.
        public static let limit = Code(rawValue: "file.limit")
        /// A file uses a form of its format that is not read.
        public static let unsupported = Code(rawValue: "file.unsupported")
        /// A file's name promises a format that its content is not.
        public static let nameMismatch = Code(rawValue: "file.name-mismatch")
        /// A file that the model refers to is not there.
        public static let missingFile = Code(rawValue: "reference.missing")
        /// The model refers to a file outside its own folder.
        public static let outsideReference = Code(rawValue: "reference.outside")
        /// Some files of a folder were not looked at, because there are too many.
        public static let filesNotExamined = Code(rawValue: "folder.not-examined")
        /// An archive has two entries of one name, so that two readers may see different content.
        public static let duplicateEntry = Code(rawValue: "archive.duplicate-entry")
    }

    public var code: Code
    public var message: String
    /// The file it is about.
    public var path: String

    public init(_ code: Code, _ message: String, path: String) {
        self.code = code
        self.message = message
        self.path = path
    }

    public var description: String { "\(code.rawValue): \(path): \(message)" }
}
