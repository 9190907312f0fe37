import Postgres
import ServiceKit

/// A long operation that somebody wants.
public struct ActivityRequest: Sendable {
    /// Documents (input, checkpoint, result) may have so many bytes.
    public static let documentBytesMax = 1024 * 1024
    /// Names and keys may have so many.
    public static let nameBytesMax = 512

    public var kind: String
    public var subject: String
    public var workspace: String
    public var actor: String
    public var input: PostgresJSON?
    /// The same key, workspace and kind give the activity that was started first, whatever else is asked for.
    public var key: String?
    /// How many processes may die of it, or give it up for trouble, before it fails.
    public var attemptsMax = 10
    public var reason: String?
    public var traceID: String?

    public init(
        kind: String, subject: String, workspace: String, actor: String, input: PostgresJSON? = nil, key: String? = nil
    ) {
        self.kind = kind
        self.subject = subject
        self.workspace = workspace
        self.actor = actor
        self.input = input
        self.key = key
        traceID = TraceContext.current?.traceID.description
    }

    func validate() throws(ActivityError) {
        for (field, value) in [("kind", kind), ("subject", subject), ("workspace", workspace), ("actor", actor)] {
            try ActivityRequest.check(field, value)
            guard !value.isEmpty else { throw .invalid(field: field, "must not be empty") }
        }
        if let key { try ActivityRequest.check("key", key) }
        if let input { try ActivityRequest.check("input", input) }
        guard attemptsMax > 0, attemptsMax <= 1_000_000 else {
            throw .invalid(field: "attempts_max", "\(attemptsMax) is not between 1 and 1000000")
        }
    }

    static func check(_ field: String, _ value: String) throws(ActivityError) {
        guard value.utf8.count <= nameBytesMax else {
            throw .invalid(field: field, "\(value.utf8.count) bytes; at most \(nameBytesMax) are taken")
        }
        guard !value.utf8.contains(0) else { throw .invalid(field: field, "a zero character") }
    }

    static func check(_ field: String, _ document: PostgresJSON) throws(ActivityError) {
        guard document.text.utf8.count <= documentBytesMax else {
            throw .invalid(field: field, "\(document.text.utf8.count) bytes; at most \(documentBytesMax) are taken")
        }
    }
}
