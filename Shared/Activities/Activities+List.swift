import Loop
import Postgres

/// Which activities are meant; what is nil does not matter.
public struct ActivityFilter: Hashable, Sendable {
    public var workspace: String
    public var kind: String?
    public var subject: String?
    public var state: ActivityState?

    public init(
        workspace: String, kind: String? = nil, subject: String? = nil, state: ActivityState? = nil
    ) {
        self.workspace = workspace
        self.kind = kind
        self.subject = subject
        self.state = state
    }
}

/// A place in a list of activities. Stays where it is, whatever comes and goes.
public struct ActivityCursor: Hashable, Sendable, CustomStringConvertible {
    let createdAt: PostgresTimestamp
    let id: PostgresUUID

    init(_ activity: Activity) {
        createdAt = activity.createdAt
        id = activity.id
    }

    /// What `description` printed; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let time = Int64(parts[0]), let id = PostgresUUID(String(parts[1])) else { return nil }
        createdAt = PostgresTimestamp(microseconds: time)
        self.id = id
    }

    public var description: String { "\(createdAt.microseconds).\(id)" }
}

/// Some activities of a list.
public struct ActivityPage: Hashable, Sendable {
    public let activities: [Activity]
    /// Read on from here; nil where this is the end.
    public let next: ActivityCursor?
}

extension Activities {
    public static let pageMax = 1000

    /// The activities that the filter means, the newest first.
    /// - Parameter limit: at most `pageMax` come at once.
    public func list(
        _ filter: ActivityFilter, after cursor: ActivityCursor? = nil, limit: Int = 100
    ) async throws -> ActivityPage {
        let limit = min(max(1, limit), Activities.pageMax)
        var condition: PostgresQuery = "workspace = \(filter.workspace)"
        if let kind = filter.kind { condition = "\(condition) AND kind = \(kind)" }
        if let subject = filter.subject { condition = "\(condition) AND subject = \(subject)" }
        if let state = filter.state { condition = "\(condition) AND state = \(state)" }
        if let cursor { condition = "\(condition) AND (created_at, id) < (\(cursor.createdAt), \(cursor.id))" }
        let found = try await pool.read(
            """
            SELECT \(unsafe: Activity.columns) FROM activities.activities WHERE \(condition)
            ORDER BY created_at DESC, id DESC LIMIT \(limit + 1)
            """
        ).all(Activity.self)
        let page = Array(found.prefix(limit))
        return ActivityPage(activities: page, next: found.count > limit ? page.last.map(ActivityCursor.init) : nil)
    }

    /// Removes activities that ended longer ago than `age`, with their logs.
    /// - Parameter limit: so many at once; call again while it returns as many.
    /// - Returns: how many were removed.
    @discardableResult
    public func prune(olderThan age: Duration, limit: Int = 1000) async throws -> Int {
        try await pool.execute(
            """
            DELETE FROM activities.activities WHERE id IN (
                SELECT id FROM activities.activities
                WHERE finished_at < clock_timestamp() - \(age.microseconds) * interval '1 microsecond'
                ORDER BY finished_at LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            """)
    }
}

extension Duration {
    var microseconds: Int64 { wholeNanoseconds / 1000 }
}
