import Glibc

/// One step of a schema, forward only. Once applied somewhere it is never changed.
///
/// Lines that begin with `-- slipway:` mark a step:
/// - `-- slipway: compatible with 3`: programs that know the steps up to 3 still run after this one. Without it they
///   refuse to start. Expand first (a column, a table), mark it so, and contract in a later release.
/// - `-- slipway: no transaction`: for `CREATE INDEX CONCURRENTLY` and the like. Its statements are sent one by one, split
///   at lines `-- slipway: next`, and must bear being run again after a crash (`IF NOT EXISTS`).
public struct PostgresMigration: Hashable, Sendable {
    public let number: Int
    /// With its number: `0001_models`.
    public let name: String
    public let sql: String

    /// - Parameter name: a number, an underscore, and what the step is about.
    /// - Throws: `PostgresMigrationError` where the name has no number.
    public init(name: String, sql: String) throws {
        let digits = name.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number > 0, name.dropFirst(digits.count).first == "_" else {
            throw PostgresMigrationError(
                .malformed, "\"\(name)\" should begin with a number and an underscore, as in 0001_models")
        }
        self.number = number
        self.name = name
        self.sql = sql
    }

    /// The oldest step that a program must know to run after this one.
    var compatibleFrom: Int {
        marks.compactMap { mark in
            mark.hasPrefix("compatible with ") ? Int(mark.dropFirst("compatible with ".count)) : nil
        }.first ?? number
    }

    var isTransactional: Bool { !marks.contains("no transaction") }

    var statements: [String] {
        guard !isTransactional else { return [sql] }
        var statements = [""]
        for line in sql.split(separator: "\n", omittingEmptySubsequences: false) {
            if PostgresMigration.mark(line) == "next" {
                statements.append("")
            } else {
                statements[statements.count - 1] += line + "\n"
            }
        }
        return statements
    }

    private var marks: [Substring] { sql.split(separator: "\n").compactMap(PostgresMigration.mark) }

    private static func mark(_ line: Substring) -> Substring? {
        let prefix = "-- slipway: "
        guard line.hasPrefix(prefix) else { return nil }
        var rest = line.dropFirst(prefix.count)
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}

/// Why a schema was left as it is.
public struct PostgresMigrationError: Error, Equatable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        /// A name without a number, two steps of one number.
        case malformed
        /// The database has steps that this program does not know and can't live with.
        case databaseIsNewer
        /// A step was changed after it was applied.
        case changed
        /// A step is missing before one that was applied.
        case outOfOrder
        case unreadable
    }
    public let reason: Reason
    public let description: String

    init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }
}

extension PostgresMigration {
    /// The `.sql` files of a folder, by their numbers.
    static func load(folder: String) throws -> [PostgresMigration] {
        guard access(folder, R_OK | X_OK) == 0 else {
            throw PostgresMigrationError(.unreadable, "\(folder): \(String(cString: strerror(errno)))")
        }
        return try PostgresBinaries.entries(of: folder).filter { $0.hasSuffix(".sql") }.map { file in
            let path = "\(folder)/\(file)"
            guard let bytes = FileBytes.read(path), let text = String(validating: bytes, as: UTF8.self) else {
                throw PostgresMigrationError(.unreadable, "\(path) can't be read as text")
            }
            return try PostgresMigration(name: String(file.dropLast(4)), sql: text)
        }
    }
}
