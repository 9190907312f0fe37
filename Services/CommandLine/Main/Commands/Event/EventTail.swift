import CommandLineKit
import Contracts
import RPC

enum EventTail {
    static let after = Flag.text("after", "CURSOR", "behind the event with this cursor")
    static let count = Flag.integer("count", "COUNT", in: 1...1_000_000_000, "ends after so many (never)")
    /// A service that is being put in order takes minutes, and who watches is in no hurry.
    static let failuresMax = 40

    static let command = Command<Session>(
        "tail", "Writes events as they happen, until Ctrl-C.",
        details: """
            A connection that breaks is made again, and nothing is missed or told twice. With --output json each event is \
            one line; `cursor` in it is what --after takes.
            """,
        flags: [
            EventGroup.filter.specification, EventGroup.since.specification, after.specification, count.specification,
        ],
        examples: [
            .init("slipway events tail", "from now on"),
            .init(
                "slipway events tail --since 1h --filter \"type = 'slipway.model.registered'\"",
                "some, and the last hour"),
            .init("slipway events tail -o json | jq -r .subject", "for a program"),
            .init("slipway events tail --filter \"subject = 'images/churn-svc:4'\" --count 1", "waits for one"),
        ]
    ) { values, session in
        guard values[after] == nil || values[EventGroup.since] == nil else {
            throw UsageError("--after and --since both say where to begin", path: "slipway events tail")
        }
        let connection = try session.connect()
        let request = Slipway.Events.V1.TailRequest(
            filter: values[EventGroup.filter] ?? "", after: values[after] ?? "",
            since: try session.timestamp(values[EventGroup.since], flag: "since"))
        try await EventStream(session: session, connection: connection, request: request)
            .follow(limit: values[count]) { event in try session.stream(event) { EventText.line(event, session) } }
    }
}

/// Events as they happen, through connections that break.
struct EventStream {
    let session: Session
    let connection: Connection
    let request: Slipway.Events.V1.TailRequest
    private static let standingSeconds: Int64 = 5

    /// - Parameter limit: ends after so many; nil for never.
    /// - Throws: `RPCError` once it makes no sense to go on; what `take` throws.
    func follow(limit: Int?, _ take: (Slipway.Events.V1.Event) throws -> Void) async throws {
        var request = request
        var left = limit ?? Int.max
        var reached: Int64 = 0
        var persistence = Persistence(on: connection.loop, failuresMax: EventTail.failuresMax) { [session] in
            session.note($0)
        }
        func advance() {
            reached += 1
            persistence.reached(reached)
        }
        while true {
            let start = session.now
            do {
                let isDone = try await connection.events.tail(request) { responses in
                    for try await response in responses {
                        for event in response.events {
                            try take(event)
                            if !event.cursor.isEmpty { request.resume(after: event.cursor) }
                            left -= 1
                            if left == 0 { return true }
                        }
                        if !response.cursor.isEmpty { request.resume(after: response.cursor) }
                        advance()
                    }
                    return false
                }
                if isDone { return }
                throw RPCError(.unavailable, "the events service ended the stream")
            } catch let error as RPCError {
                // A stream with nothing to tell was there all the same.
                if session.now - start >= EventStream.standingSeconds { advance() }
                try await persistence.pause(after: error)
            }
        }
    }
}

extension Slipway.Events.V1.TailRequest {
    /// The next call goes on behind this place.
    fileprivate mutating func resume(after cursor: String) {
        after = cursor
        since = nil
    }
}
