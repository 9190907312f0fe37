import CommandLineKit
import Contracts

enum EventShow {
    static let id = Argument("ID", "the event's id")

    static let command = Command<Session>(
        "show", "Shows an event.", arguments: [id],
        examples: [.init("slipway events show 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be", "with its data")]
    ) { values, session in
        let event = try await session.connect().events.getEvent(.init(id: values[id]))
        try session.show(event) { EventText.details(event, session) }
    }
}
