public import Journal
public import Postgres

/// An event as the house knows it: a row of the journal in the words of those outside. Shared by all who are told of it.
public struct EventRecord: Sendable, Hashable {
    /// Never given twice; the same however often the event is read and sent.
    public var id: String
    /// `slipway.model.registered`.
    public var type: String
    /// The workspace's name; empty where the event belongs to none.
    public var workspace: String
    /// `models/churn:3`.
    public var subject: String
    public var time: PostgresTimestamp
    /// A JSON document.
    public var data: String
    /// The schema that the data follow.
    public var dataSchema: String
    public var actor: String
    /// Empty where there is none.
    public var trace: String
    /// Its place in the journal. That of an event that was made for a test is `JournalCursor.start`.
    public var cursor: JournalCursor

    public init(
        id: String, type: String, workspace: String, subject: String, time: PostgresTimestamp, data: String,
        dataSchema: String = "", actor: String = "", trace: String = "", cursor: JournalCursor = .start
    ) {
        self.id = id
        self.type = type
        self.workspace = workspace
        self.subject = subject
        self.time = time
        self.data = data
        self.dataSchema = dataSchema
        self.actor = actor
        self.trace = trace
        self.cursor = cursor
    }

    /// As CloudEvents name where an event comes from.
    public var source: String { workspace.isEmpty ? "/slipway" : "/slipway/workspaces/\(workspace)" }
}
