import Contracts
import Journal
import Postgres
import Protobuf

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

extension Google.Protobuf.Timestamp {
    init(_ time: PostgresTimestamp) {
        let seconds = time.microseconds / 1_000_000 - (time.microseconds % 1_000_000 < 0 ? 1 : 0)
        self.init(seconds: seconds, nanos: Int32(truncatingIfNeeded: (time.microseconds - seconds * 1_000_000) * 1000))
    }
}

extension PostgresTimestamp {
    /// Nil for what no calendar of ours reaches.
    init?(_ time: Google.Protobuf.Timestamp) {
        guard (-62_135_596_800...253_402_300_799).contains(time.seconds), (0..<1_000_000_000).contains(time.nanos)
        else { return nil }
        self.init(microseconds: time.seconds * 1_000_000 + Int64(time.nanos) / 1000)
    }
}
