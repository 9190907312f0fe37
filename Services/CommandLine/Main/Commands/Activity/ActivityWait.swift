import CommandLineKit
import Contracts

enum ActivityWait {
    static let ids = Argument("ID", "which; all of them are waited for", repeats: true)
    static let limit = Flag.duration("timeout", "gives up after so long (never)")

    static let command = Command<Session>(
        "wait", "Waits for the end of long operations; the exit code says how they ended.",
        details: """
            0 where all ended well, 1 where one failed, 7 where one was cancelled, 6 where the time was over before. The \
            operations themselves go on whatever becomes of the waiting.
            """,
        arguments: [ids], flags: [limit.specification],
        examples: [
            .init("id=$(slipway image build churn:3 --detach) && slipway activity wait $id", "in a script"),
            .init("slipway activity wait 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be --timeout 10m", "not for ever"),
        ]
    ) { values, session in
        let connection = try session.connect()
        let finder = ActivityFinder(connection: connection)
        let wait: @Sendable () async throws -> [Slipway.Activities.V1.Activity] = {
            var ended: [Slipway.Activities.V1.Activity] = []
            for id in values.all(ids) {
                let found = try await finder.find(id)
                let follower = ActivityFollower(session, connection.loop, found.client)
                ended.append(try await follower.follow(found.activity, log: .nowhere).activity)
            }
            return ended
        }
        let ended = try await within(values[limit], connection, wait)
        try session.show(Slipway.Activities.V1.ListActivitiesResponse(activities: ended)) { "" }
        for activity in ended { session.done("\(activity.id) \(ActivityText.name(of: activity.state))") }
        for activity in ended { try ActivityFollower.check(activity) }
    }

    /// - Throws: `Failure` where it takes longer.
    private static func within<Result: Sendable>(
        _ limit: Duration?, _ connection: Connection, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard let limit else { return try await body() }
        return try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await connection.loop.sleep(for: limit)
                throw Failure(.unreachable, "it has not ended within the time")
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}
