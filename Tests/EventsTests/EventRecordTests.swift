import EventsCore
import Postgres
import Testing

@Suite struct EventRecordTests {
    @Test("an event comes from its workspace, or from the suite where it belongs to none")
    func source() {
        var event = EventRecord(
            id: "1", type: "slipway.test", workspace: "default", subject: "", time: .now, data: "{}")
        #expect(event.source == "/slipway/workspaces/default")
        event.workspace = ""
        #expect(event.source == "/slipway")
    }
}
