import CommandLineKit
import Contracts

enum ActivityLog {
    static let follow = Flag.switch("follow", short: "f", "goes on until the activity has ended")
    static let from = Flag.integer("from", "NUMBER", in: 1...Int.max, "begins with this line")
    static let times = Flag.switch("times", "says when each line was written, in UTC")

    static let command = Command<Session>(
        "log", "Writes the log of a long operation.", arguments: [ActivityGroup.id],
        flags: [follow.specification, from.specification, times.specification],
        examples: [
            .init("slipway activity log 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be", "what is there"),
            .init("slipway activity log 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be --follow", "and what comes"),
        ]
    ) { values, session in
        let connection = try session.connect()
        let found = try await ActivityFinder(connection: connection).find(values[ActivityGroup.id])
        try await write(found.activity.id, ActivityFollower(session, connection.loop, found.client), values)
    }

    /// Writes the log to the standard output.
    static func write(_ id: String, _ follower: ActivityFollower, _ values: Values) async throws {
        let session = follower.session
        let hasTimes = values[times]
        try await follower.log(id, from: Int64(values[from] ?? 0), follows: values[follow]) { line in
            try session.stream(line) {
                (hasTimes ? session.stamp(line.at) + "  " : "") + DisplayText.harmless(line.text)
            }
        }
    }
}
