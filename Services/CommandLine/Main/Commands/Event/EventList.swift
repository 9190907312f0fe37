import CommandLineKit
import Contracts

enum EventList {
    static let until = Flag.moment("until", "before this")

    static let command = Command<Session>(
        "list", "Lists events of the past, the newest first.",
        flags: [
            EventGroup.filter.specification, EventGroup.since.specification, until.specification,
            Shared.limit.specification,
        ],
        examples: [
            .init("slipway events list", "the newest"),
            .init("slipway events list --since 24h --filter \"type = 'slipway.image.built'\" -o json", "for a program"),
        ]
    ) { values, session in
        let connection = try session.connect()
        var request = Slipway.Events.V1.ListEventsRequest()
        request.filter = values[EventGroup.filter] ?? ""
        request.since = try session.timestamp(values[EventGroup.since], flag: "since")
        request.until = try session.timestamp(values[until], flag: "until")
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            request.pageSize = size
            request.pageToken = token
            let answer = try await connection.events.listEvents(request)
            return (answer.events, answer.nextPageToken)
        }
        let message = Slipway.Events.V1.ListEventsResponse(events: found.elements, nextPageToken: found.next)
        try session.show(message) { EventText.table(found.elements, session) }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
