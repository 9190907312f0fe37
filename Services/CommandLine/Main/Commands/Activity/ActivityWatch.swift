import CommandLineKit
import Contracts
import RPC

enum ActivityWatch {
    static let id = Argument("ID", "only this one, with its log; all where it is left out", isRequired: false)

    static let command = Command<Session>(
        "watch", "Follows a long operation to its end, or all of the workspace as they go.",
        details: """
            With an id the exit code says how it ended: 0 well, 1 badly, 7 cancelled. Without one it goes on until Ctrl-C; \
            with --output json it writes an activity to the line, at every change.
            """,
        arguments: [id], flags: [ActivityList.kind.specification, ActivityList.subject.specification],
        examples: [
            .init("slipway activity watch 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be", "a build that was left"),
            .init("slipway activity watch --kind image.build", "all builds, as they go"),
        ]
    ) { values, session in
        let connection = try session.connect()
        guard values[id].isEmpty else { return try await follow(values[id], session, connection) }
        let request = Slipway.Events.V1.WatchActivitiesRequest(
            kind: values[ActivityList.kind] ?? "", subject: values[ActivityList.subject] ?? "")
        var seen: [String: Int64] = [:]
        var persistence = Persistence(on: connection.loop, failuresMax: EventTail.failuresMax) { session.note($0) }
        var count: Int64 = 0
        while true {
            do {
                try await connection.events.watchActivities(request) { responses in
                    for try await activity in responses {
                        count += 1
                        persistence.reached(count)
                        // A call that begins anew tells once more what is known.
                        guard seen[activity.id].map({ $0 < activity.revision }) ?? true else { continue }
                        seen[activity.id] = ActivityText.isOver(activity) ? nil : activity.revision
                        try session.stream(activity) { line(activity, session) }
                    }
                }
                throw RPCError(.unavailable, "the service stopped telling what goes on")
            } catch let error as RPCError { try await persistence.pause(after: error) }
        }
    }

    private static func follow(_ id: String, _ session: Session, _ connection: Connection) async throws {
        let found = try await ActivityFinder(connection: connection).find(id)
        let outcome = try await ActivityFollower(session, connection.loop, found.client).follow(found.activity)
        try session.show(outcome.activity) { "" }
        try outcome.check()
        session.done("\(ActivityText.noun(outcome.activity.kind)) succeeded: \(outcome.activity.resultJson)")
    }

    private static func line(_ activity: Slipway.Activities.V1.Activity, _ session: Session) -> String {
        let state = ActivityText.name(of: activity.state)
        return [
            session.stamp(.init(seconds: session.now, nanos: 0)), activity.id, activity.kind, activity.subject, state,
            ActivityText.standing(activity),
        ].filter { !$0.isEmpty }.map(DisplayText.harmless).joined(separator: "  ")
    }
}
