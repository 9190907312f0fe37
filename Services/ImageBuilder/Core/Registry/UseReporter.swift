public import Loop
public import Postgres
public import ServiceKit
internal import Access
internal import Contracts
internal import Identity
internal import Protobuf
internal import RPC
internal import ResourceKit

/// Tells the registry which models images use, until it has accepted it: what a killed process did not tell, another one
/// does. Any number may run; a report that comes twice does no harm.
///
/// A model is never without anybody who uses it between the start of a build and the end of its image. `Build` writes down
/// that the build uses the models, and the handler goes on only when the registry has accepted that; then it looks at them
/// once more. A version that was deleted before that look fails the build, and one that was not can't be deleted any more.
/// The transaction that records the image also writes down that the image uses them and the build does not, and the second
/// is told only after the first was accepted.
public final class UseReporter: Service {
    public let serviceName = "reports to the registry"
    private let pool: PostgresPool
    private let registry: RegistryGateway
    private let loop: EventLoop
    private let log: Logger
    private let bell = PostgresBell()
    private let interval: Duration

    /// - Parameter interval: how often is looked for what others left behind.
    public init(
        _ pool: PostgresPool, registry: RegistryGateway, loop: EventLoop, log: Logger = .silent,
        interval: Duration = .seconds(5)
    ) {
        self.pool = pool
        self.registry = registry
        self.loop = loop
        self.log = log
        self.interval = interval
    }

    /// There may be something to tell.
    public func ring() { bell.ring() }

    public func run() async throws {
        StopSignal.started()
        let stop = StopSignal.current ?? StopSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stop.wait() }
            group.addTask { [self] in
                while true {
                    do { while try await sweep() > 0 {} } catch {
                        try Task.checkCancellation()
                        log.warning("what images use could not be looked at", ["error": "\(error)"])
                    }
                    try await bell.wait(upTo: interval, on: loop)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// One look: takes back what ended builds used, and tells what is due.
    /// - Returns: how many reports were accepted.
    public func sweep() async throws -> Int {
        try await endBuilds()
        // Others leave them alone for as long as telling takes.
        let due = try await pool.query(
            """
            UPDATE images.reports AS r SET due = now() + interval '90 seconds', attempts = r.attempts + 1
            FROM (
                SELECT workspace, "user" FROM images.reports AS p
                WHERE p.accepted < p.generation AND p.due <= now() AND NOT EXISTS (
                    SELECT FROM images.reports AS b
                    WHERE b.workspace = p.workspace AND b."user" = p.behind AND b.accepted < b.generation)
                ORDER BY p.due LIMIT 20 FOR UPDATE SKIP LOCKED
            ) AS found
            WHERE r.workspace = found.workspace AND r."user" = found."user"
            RETURNING \(DueReport.columns)
            """
        ).all(DueReport.self)
        var accepted = 0
        for report in due {
            do {
                try await tell(report)
                accepted += 1
            } catch {
                try Task.checkCancellation()
                let pause = min(300, 1 << min(report.attempts, 8))
                log.warning(
                    "the registry did not take down what is used",
                    ["user": .string(report.user), "error": .string("\(error)"), "pause": "\(pause) s"])
                try await pool.execute(
                    """
                    UPDATE images.reports SET due = now() + \(Double(pause)) * interval '1 second'
                    WHERE workspace = \(report.workspace) AND "user" = \(report.user)
                    """)
            }
        }
        return accepted
    }

    /// Tells now what a user uses, whether it is due or not.
    /// - Throws: `RPCError` as the registry says it: `notFound` for a version that was purged.
    func tellNow(_ user: String, in workspace: Workspace) async throws {
        let reports = try await pool.query(
            """
            SELECT \(DueReport.columns) FROM images.reports AS r
            WHERE r.workspace = \(workspace.databaseID) AND r."user" = \(user)
            """
        ).all(DueReport.self)
        guard let report = reports.first, report.accepted < report.generation else { return }
        try await tell(report)
    }

    private func tell(_ report: DueReport) async throws {
        let place = Workspace(id: EntityID(report.workspace), name: report.workspaceName)
        let lineage = registry.acting(for: EntityID(report.principal), in: place).lineage
        let response: Slipway.Models.V1.ReportUseResponse
        do {
            response = try await lineage.reportUse(
                Slipway.Models.V1.ReportUseRequest(
                    user: report.user, kind: .image, versions: report.versions, state: report.state,
                    generation: report.generation))
        } catch let error as RPCError where error.code == .notFound && report.build == nil {
            guard let gone = error.goneVersion, report.versions.contains(gone) else { throw error }
            // It was purged while nobody used it, and can't come back. The rest is used as before.
            log.warning("an image holds a model that was purged", ["image": .string(report.user), "model": "\(gone)"])
            try await pool.execute(
                """
                UPDATE images.reports SET versions = array_remove(versions, \(gone)), generation = generation + 1,
                    due = now()
                WHERE workspace = \(report.workspace) AND "user" = \(report.user) AND generation = \(report.generation)
                """)
            bell.ring()
            return
        }
        guard response.accepted else {
            // Nobody but us speaks of it: what the registry has is of a database that was put back since.
            try await pool.execute(
                """
                UPDATE images.reports SET due = now(),
                    generation = greatest(generation + 1, \(UseReports.generation))
                WHERE workspace = \(report.workspace) AND "user" = \(report.user)
                    AND generation = \(report.generation) AND accepted < generation
                """)
            bell.ring()
            return
        }
        _ = try await pool.transaction { transaction in
            try await transaction.pipeline([
                """
                UPDATE images.reports SET accepted = greatest(accepted, \(report.generation)), attempts = 0, due = now()
                WHERE workspace = \(report.workspace) AND "user" = \(report.user)
                """,
                """
                DELETE FROM images.reports WHERE workspace = \(report.workspace) AND "user" = \(report.user)
                    AND build IS NOT NULL AND versions = '{}' AND accepted >= generation
                """,
            ])
        }
    }

    /// What a build held and used ends with its activity, however that came about.
    private func endBuilds() async throws {
        let isOver: PostgresQuery = """
            NOT EXISTS (SELECT FROM activities.activities AS a
                WHERE a.id = b.id AND a.state NOT IN ('succeeded', 'failed', 'cancelled'))
            """
        _ = try await pool.transaction { transaction in
            try await transaction.pipeline([
                """
                UPDATE images.reports AS r SET versions = '{}', state = '', due = now(), attempts = 0,
                    generation = greatest(r.generation + 1, \(UseReports.generation))
                FROM images.builds AS b WHERE b.id = r.build AND r.versions <> '{}' AND \(isOver)
                """,
                "DELETE FROM images.builds AS b WHERE \(isOver)",
            ])
        }
    }
}

private struct DueReport: PostgresRowDecodable {
    let workspace: PostgresUUID
    let workspaceName: String
    let user: String
    let principal: PostgresUUID
    let versions: [String]
    let state: String
    let generation: Int64
    let accepted: Int64
    let attempts: Int
    let build: PostgresUUID?

    static var columns: PostgresQuery {
        """
        r.workspace, r.workspace_name, r."user", r.principal, r.versions, r.state, r.generation, r.accepted,
        r.attempts, r.build
        """
    }

    init(row: PostgresRow) throws {
        workspace = try row.decode("workspace")
        workspaceName = try row.decode("workspace_name")
        user = try row.decode("user")
        principal = try row.decode("principal")
        versions = try row.decode("versions")
        state = try row.decode("state")
        generation = try row.decode("generation")
        accepted = try row.decode("accepted")
        attempts = Int(try row.decode("attempts", as: Int32.self))
        build = try row.decode("build")
    }
}

extension RPCError {
    /// The version that the registry does not have, as `churn:3`.
    fileprivate var goneVersion: String? {
        details.compactMap { $0.decode(as: Google.Rpc.ResourceInfo.self) }.map(\.resourceName)
            .first { $0.hasPrefix("models/") }.map { String($0.dropFirst(7)) }
    }
}
