import Glibc

/// A statement with the values bound to it, written as one string: `"SELECT name FROM models WHERE id = \(id)"`.
///
/// Each interpolated value becomes a bind, never text; another query is spliced in with its binds; raw SQL has to be
/// spelled `\(unsafe: …)`. Printing shows the statement and `****` for each value.
public struct PostgresQuery: Sendable, ExpressibleByStringInterpolation {
    public let sql: String
    public let binds: PostgresBinds
    /// The text around the binds, one more than there are binds; kept to splice the query into another.
    let pieces: [String]
    /// Whether the server plans it for the values of each call.
    private(set) var isPlannedForValues = false

    public init(stringLiteral value: String) {
        sql = value
        binds = PostgresBinds()
        pieces = [value]
    }

    public init(stringInterpolation: consuming StringInterpolation) {
        sql = stringInterpolation.sql
        binds = stringInterpolation.binds
        var pieces = stringInterpolation.pieces
        pieces.append(stringInterpolation.piece)
        self.pieces = pieces
    }

    /// Text that was not written as a literal: the caller vouches for it.
    public init(unsafe sql: String) { self.init(stringLiteral: sql) }

    private init(keeping types: PostgresBinds, of query: PostgresQuery) {
        sql = query.sql
        binds = types
        pieces = []
    }

    /// The same statement, planned for its values each time. Others are prepared, and the server soon keeps one plan for all
    /// values: that saves a good part of a millisecond, and is wrong where the best plan depends on them.
    public func plannedForValues() -> PostgresQuery {
        var query = self
        query.isPlannedForValues = true
        return query
    }

    /// The same statement for the same types, without a single value.
    var withoutValues: PostgresQuery { PostgresQuery(keeping: binds.withoutValues, of: self) }

    /// libpq would take the text up to there alone.
    var hasZero: Bool {
        sql.utf8.withContiguousStorageIfAvailable { text in
            text.baseAddress.map { memchr($0, 0, text.count) != nil } ?? false
        } ?? sql.utf8.contains(0)
    }

    public struct StringInterpolation: StringInterpolationProtocol {
        var sql = ""
        var binds = PostgresBinds()
        var pieces: [String] = []
        var piece = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            sql.reserveCapacity(literalCapacity + interpolationCount * 3)
            pieces.reserveCapacity(interpolationCount + 1)
        }

        public mutating func appendLiteral(_ literal: String) {
            sql += literal
            if piece.isEmpty { piece = literal } else { piece += literal }
        }

        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value) {
            binds.append(value)
            place()
        }

        /// A value or null. Of its own, because the compiler warns of an optional that it takes for text.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            binds.append(value)
            place()
        }

        /// Part of the statement itself, such as the name of a table. Never anything that came from outside.
        public mutating func appendInterpolation(unsafe text: String) { appendLiteral(text) }

        /// A name, quoted so that it is nothing but a name.
        public mutating func appendInterpolation(identifier name: String) { appendLiteral(quotedIdentifier(name)) }

        public mutating func appendInterpolation(_ query: PostgresQuery) {
            for (index, text) in query.pieces.enumerated() {
                appendLiteral(text)
                guard index < query.binds.count else { continue }
                binds.append(query.binds, index)
                place()
            }
        }

        private mutating func place() {
            pieces.append(piece)
            piece = ""
            sql += "$"
            sql += String(binds.count)
        }
    }
}

extension PostgresQuery: CustomStringConvertible, CustomReflectable {
    public var description: String { binds.count == 0 ? sql : "\(sql) \(binds)" }
    public var customMirror: Mirror { Mirror(self, children: ["sql": sql, "binds": binds]) }
}

func quotedIdentifier(_ name: String) -> String {
    var text = "\""
    for character in name.unicodeScalars where character != "\0" {
        text.unicodeScalars.append(character)
        if character == "\"" { text += "\"" }
    }
    return text + "\""
}

func quotedLiteral(_ value: String) -> String {
    var text = value.contains("\\") ? " E'" : "'"
    for character in value.unicodeScalars where character != "\0" {
        text.unicodeScalars.append(character)
        if character == "'" || character == "\\" { text.unicodeScalars.append(character) }
    }
    return text + "'"
}
