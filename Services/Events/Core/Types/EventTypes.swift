public import Contracts
public import Journal
import ServiceKit

/// The types of events that there are, and which rows of the journal become which of them.
public struct EventTypes: EventMapping {
    let definitions: [EventTypeDefinition]
    private let byAction: [String: [EventTypeDefinition]]

    public init() { self.init(EventTypes.known) }

    init(_ definitions: [EventTypeDefinition]) {
        self.definitions = definitions.sorted { $0.name < $1.name }
        byAction = Dictionary(grouping: definitions.filter { !$0.action.isEmpty }, by: \.action)
    }

    static let known = models + images + runs + people + activities + subscriptions + [other, test]

    /// What becomes of rows that no type is made for: services to come write actions that this one does not know. That
    /// something happened, and to what, is told; what the row says of it is not, because nobody looked at what is in it.
    static let other = EventTypeDefinition(
        name: "change.recorded", description: "Something changed that has no type of its own.", action: "",
        subject: "{subject}", fields: [EventDataField("action", .text, "What was done, in the words of the journal.")],
        example: .init(subject: "things/4711", data: ["action": "thing.polished"]))

    /// Made when somebody asks for a test of a subscription; no row becomes one.
    static let test = EventTypeDefinition(
        name: "test", description: "Somebody tries whether events arrive.", action: "", subject: "subscriptions/{name}",
        fields: [EventDataField("message", .text, "A greeting.")],
        example: .init(subject: "subscriptions/to-slack", data: ["message": "This is a test."]))

    public func event(from record: JournalRecord) -> EventRecord? {
        let row = JournalSource(record.entry)
        let definition = definition(of: row) ?? EventTypes.other
        return EventRecord(
            id: "\(record.cursor.id)", type: definition.type, workspace: record.entry.workspace ?? "",
            subject: record.entry.subject, time: record.time, data: data(of: row).json,
            dataSchema: definition.schemaName,
            actor: record.entry.actor, trace: record.entry.traceID ?? "", cursor: record.cursor)
    }

    /// Nil for an action that no type is made for.
    func definition(of row: JournalSource) -> EventTypeDefinition? {
        byAction[row.entry.action]?.first { $0.isOf(row.subject) }
    }

    func data(of row: JournalSource) -> EventValue {
        definition(of: row)?.data(of: row) ?? ["action": .text(row.entry.action)]
    }

    /// An event of each type, as it may go out.
    public var examples: [EventRecord] { definitions.map(\.exampleEvent) }

    public var types: [Slipway.Events.V1.EventType] {
        definitions.map { definition in
            var type = Slipway.Events.V1.EventType()
            type.name = definition.type
            type.description = definition.description
            type.schemaJson = definition.schema.json
            type.exampleJson = String(decoding: CloudEvent(definition.exampleEvent).structured, as: UTF8.self)
            return type
        }
    }
}

extension EventTypeDefinition {
    /// The JSON schema (draft 2020-12) of the data.
    var schema: EventValue {
        .object(
            [
                .init(name: "$schema", value: "https://json-schema.org/draft/2020-12/schema"),
                .init(name: "$id", value: .text(schemaName)), .init(name: "title", value: .text(type)),
                .init(name: "description", value: .text(description)),
            ] + EventDataField.schema(of: fields))
    }

    /// An event as it may go out.
    var exampleEvent: EventRecord {
        EventRecord(
            id: "4711", type: type, workspace: "default", subject: example.subject,
            time: .init(microseconds: 1_769_860_800_000_000), data: example.data.json, dataSchema: schemaName,
            actor: "person:ada", trace: "4bf92f3577b34da6a3ce929d0e0e4736",
            cursor: JournalCursor(transaction: 812, id: 4711))
    }
}
