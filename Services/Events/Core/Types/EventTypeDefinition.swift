import Journal

/// A type of event: which rows of the journal it is made of, what its data hold, and an example of them. Its schema is made
/// of the same fields as its data, so that they can't say different things.
struct EventTypeDefinition: Sendable {
    /// Without the prefix: `model.registered`.
    let name: String
    let description: String
    /// The action of the journal.
    let action: String
    /// Where one action stands for several types: the one that this subject is of.
    var isOf: @Sendable (JournalSubject) -> Bool = { _ in true }
    /// `models/{name}:{version}`.
    let subject: String
    let fields: [EventDataField]
    let example: Example

    struct Example: Sendable {
        let subject: String
        let data: EventValue
    }

    static let prefix = "slipway."

    var type: String { EventTypeDefinition.prefix + name }

    /// Names the schema; it is kept in Docs/events/types and answered by the service.
    var schemaName: String { "urn:slipway:events:\(name):1" }

    /// The data of an event of this type; only what the fields name leaves the house.
    func data(of entry: JournalSource) -> EventValue { .object(EventDataField.members(fields, of: entry)) }
}

/// A row of the journal as types look at it.
struct JournalSource {
    let entry: JournalEntry
    let subject: JournalSubject
    let before: EventValue
    let after: EventValue

    init(_ entry: JournalEntry) {
        self.entry = entry
        subject = JournalSubject(entry.subject)
        before = entry.before.flatMap { EventValue(json: $0.text) } ?? .null
        after = entry.after.flatMap { EventValue(json: $0.text) } ?? .null
    }
}

/// A subject in its parts: `models/churn:3`, `models/churn@champion`, `workspaces/growth/members/ada`.
struct JournalSubject: Sendable, Hashable {
    let words: [String]
    /// The second word without what names a version of it.
    let name: String
    let version: Int64?
    let alias: String?

    init(_ text: String) {
        words = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let rest = words.dropFirst().joined(separator: "/")
        if let at = rest.lastIndex(of: "@") {
            (name, alias, version) = (String(rest[..<at]), String(rest[rest.index(after: at)...]), nil)
        } else if let colon = rest.lastIndex(of: ":"), let number = Int64(rest[rest.index(after: colon)...]) {
            (name, alias, version) = (String(rest[..<colon]), nil, number)
        } else {
            (name, alias, version) = (rest, nil, nil)
        }
    }

    /// The last word: of `workspaces/growth/members/ada` it is `ada`.
    var last: String { words.last ?? "" }
}
