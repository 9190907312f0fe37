import Postgres

/// A line of an activity's log.
public struct ActivityLogLine: Hashable, Sendable, PostgresRowDecodable {
    /// From 1, without gaps as they are written. The oldest are removed when there are too many.
    public let number: Int64
    public let time: PostgresTimestamp
    public let text: String

    public init(row: PostgresRow) throws {
        number = try row.decode("number")
        time = try row.decode("at")
        text = try row.decode("text")
    }
}

extension Activities {
    /// A log keeps so many lines; the oldest go.
    public static let logLinesMax: Int64 = 10_000
    /// A line keeps so many bytes; the rest is cut off.
    public static let logLineBytesMax = 4096

    /// Hands the activity to `body` as it is now and after each change, until it has ended or `body` says false. What
    /// changed several times meanwhile comes once.
    /// - Throws: `ActivityError.notFound`, also where it is removed meanwhile; what `body` throws; `PostgresError`.
    public func follow(
        _ id: PostgresUUID, workspace: String? = nil, _ body: (Activity) async throws -> Bool
    ) async throws {
        try await signals.withBell([Activities.topic(id)]) { bell in
            var revision: Int64 = -1
            while true {
                let activity = try await get(id, workspace: workspace)
                if activity.revision > revision {
                    revision = activity.revision
                    guard try await body(activity), !activity.state.isFinal else { return }
                }
                try await bell.wait(upTo: Activities.backstop, on: loop)
            }
        }
    }

    /// Returns the activity once it has ended.
    public func wait(_ id: PostgresUUID, workspace: String? = nil) async throws -> Activity {
        var last: Activity?
        try await follow(id, workspace: workspace) {
            last = $0
            return true
        }
        guard let last else { throw ActivityError.notFound(id) }
        return last
    }

    /// The lines of the log from that number on, as far as they are there.
    public func log(_ id: PostgresUUID, from number: Int64 = 1, limit: Int = 1000) async throws -> [ActivityLogLine] {
        try await pool.read(
            """
            SELECT number, at, text FROM activities.log WHERE activity = \(id) AND number >= \(number)
            ORDER BY number LIMIT \(min(max(1, limit), Activities.pageMax))
            """
        ).all(ActivityLogLine.self)
    }

    /// Hands the lines from that number on to `body`, and those that come, until the activity has ended or `body` says
    /// false.
    /// - Parameter isFollowing: false ends after the lines that are there.
    public func followLog(
        _ id: PostgresUUID, workspace: String? = nil, from first: Int64 = 1, isFollowing: Bool = true,
        _ body: ([ActivityLogLine]) async throws -> Bool
    ) async throws {
        try await signals.withBell([Activities.topic(id)]) { bell in
            var next = first
            while true {
                // Read in this order: what an activity wrote before it ended is there when it has ended.
                let activity = try await get(id, workspace: workspace)
                while true {
                    let lines = try await log(id, from: next)
                    guard let last = lines.last else { break }
                    guard try await body(lines) else { return }
                    next = last.number + 1
                }
                guard isFollowing, !activity.state.isFinal else { return }
                try await bell.wait(upTo: Activities.backstop, on: loop)
            }
        }
    }

    static func topic(_ id: PostgresUUID) -> PostgresSignals.Topic { PostgresSignals.Topic(channel, "\(id)") }

    static func cancelTopic(_ id: PostgresUUID) -> PostgresSignals.Topic {
        PostgresSignals.Topic(channel, "cancel \(id)")
    }
}
