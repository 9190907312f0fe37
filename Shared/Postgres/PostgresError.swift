/// What went wrong with the database: one type for the whole module.
public struct PostgresError: Error, Sendable {
    public enum Kind: Equatable, Sendable {
        /// The server answered with an error; `code` says which.
        case server
        /// The connection could not be made, or broke while nothing could have been committed: safe to try again.
        case connection
        /// The connection broke or gave no answer after a write or a COMMIT was sent: it may or may not have happened.
        case outcomeUnknown
        /// No answer in time; nothing was committed.
        case deadlineExceeded
        /// All connections are taken and as many callers wait already as may wait, or this one waited too long.
        case poolExhausted
        /// The pool is closed.
        case closed
        /// What was asked of this module can't be done: the caller's mistake.
        case usage
    }

    public var kind: Kind
    public var code: SQLState
    public var message: String
    public var detail: String?
    public var hint: String?
    public var schema: String?
    public var table: String?
    public var column: String?
    public var constraint: String?
    /// Which of the rows of a `copy` it was, from 1, where the server told.
    public var row: Int?
    /// The character in `sql`, from 1, at which the server noticed the error.
    public var position: Int?
    /// The statement, without the values bound to it.
    public var sql: String?
    /// Where the server was, in its own words; may hold values.
    var context: String?
    /// The server ended the connection along with this error.
    var isFatal = false

    public init(_ kind: Kind, code: SQLState = SQLState(""), _ message: String, sql: String? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.sql = sql
    }

    /// The same transaction may well succeed when it is run once more, and it certainly did not happen.
    public var isRetryable: Bool {
        switch kind {
        case .connection: true
        case .server: code == .serializationFailure || code == .deadlockDetected || isStalePlan
        default: false
        }
    }

    /// A prepared statement that a change of the schema or of the session made useless; preparing it again helps.
    var isStalePlan: Bool {
        kind == .server
            && (code == .invalidSQLStatementName
                || (code == .featureNotSupported && message.contains("cached plan")))
    }
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        var text = "\(kind)"
        if !code.rawValue.isEmpty { text += " \(code)" }
        text += ": \(message)"
        let place = [schema, table, column].compactMap { $0 }.joined(separator: ".")
        for (name, value) in [
            ("detail", detail), ("hint", hint), ("constraint", constraint), ("in", place.isEmpty ? nil : place),
            ("row", row.map(String.init)), ("position", position.map(String.init)), ("statement", sql),
        ] {
            if let value { text += "; \(name): \(value)" }
        }
        return text
    }
}
