import Contracts
import Journal
import Postgres
import Protobuf
import ResourceKit

extension Slipway.Events.V1.Event {
    init(_ event: EventRecord) {
        self.init()
        id = event.id
        type = event.type
        source = event.source
        subject = event.subject
        time = Google.Protobuf.Timestamp(event.time)
        dataJson = event.data
        dataSchema = event.dataSchema
        actor = event.actor
        trace = event.trace
        cursor = event.cursor.description
    }
}

extension EventRecord {
    /// Of an event that was kept as a message.
    init(_ event: Slipway.Events.V1.Event, at cursor: JournalCursor) {
        let place = event.source.split(separator: "/").dropFirst(2).first.map(String.init) ?? ""
        self.init(
            id: event.id, type: event.type, workspace: place, subject: event.subject,
            time: event.time.flatMap { PostgresTimestamp($0) } ?? PostgresTimestamp(microseconds: 0),
            data: event.dataJson, dataSchema: event.dataSchema, actor: event.actor, trace: event.trace, cursor: cursor)
    }
}
