import Journal
import Postgres

@testable import EventsCore

extension EventRecord {
    static func sample(
        type: String = "slipway.model.registered", subject: String = "models/churn:3", workspace: String = "default",
        data: String = #"{"name":"churn","version":3,"tags":{"team":"growth"},"properties":{}}"#,
        actor: String = "person:ada",
        microseconds: Int64 = 1_769_860_800_000_000, trace: String = "", id: Int64 = 4711
    ) -> EventRecord {
        EventRecord(
            id: "\(id)", type: type, workspace: workspace, subject: subject,
            time: PostgresTimestamp(microseconds: microseconds), data: data,
            dataSchema: "urn:slipway:events:model.registered:1", actor: actor, trace: trace,
            cursor: JournalCursor(transaction: 812, id: id))
    }
}
