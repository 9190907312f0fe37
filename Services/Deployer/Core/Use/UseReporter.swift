package import Identity
package import Loop
package import Postgres
package import RPC
package import ServiceKit
internal import Access
internal import Contracts
internal import Protobuf
internal import ResourceKit

/// Tells the image builder which images deployments use, and the registry which versions of models and how they are, until
/// each has accepted it: what a killed process did not tell, another one does. Any number may run; a report that comes
/// twice does no harm.
package final class UseReporter: Service {
    package let serviceName = "reports of use"
    private let pool: PostgresPool
    private let builder: ServiceGateway
    private let registry: ServiceGateway
    private let loop: EventLoop
    private let log: Logger
    private let bell = PostgresBell()
    private let interval: Swift.Duration

    /// - Parameters:
    ///   - builder: a bare channel to the image builder; calls are signed here.
    ///   - registry: the same to the registry.
    ///   - interval: how often is looked for what others left behind.
    package init(
        _ pool: PostgresPool, builder: any RPCChannel, registry: any RPCChannel, delegation: Delegation,
        loop: EventLoop, log: Logger = .silent, interval: Swift.Duration = .seconds(5)
    ) {
        self.pool = pool
        self.builder = ServiceGateway(builder, name: "image builder", delegation: delegation)
        self.registry = ServiceGateway(registry, name: "registry", delegation: delegation)
        self.loop = loop
        self.log = log
        self.interval = interval
    }

    package func run() async throws {
        StopSignal.started()
        let stop = StopSignal.current ?? StopSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stop.wait() }
            group.addTask { [self] in
                for try await _ in pool.notifications(DeployerChannel.deployments) { bell.ring() }
            }
            group.addTask { [self] in
                // What somebody forgot to write down is found now and then.
                try await RepeatedWork.run(every: .seconds(60), on: loop) { [log] error in
                    log.warning("what deployments use could not be looked at", ["error": "\(error)"])
                } _: { [self] in
                    try await pool.execute(UseReports.refreshAll)
                    bell.ring()
                }
            }
            group.addTask { [self] in
                while true {
                    do { while try await sweep() > 0 {} } catch {
                        try Task.checkCancellation()
                        log.warning("what deployments use could not be told", ["error": "\(error)"])
                    }
                    try await bell.wait(upTo: interval, on: loop)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// One look: tells what is due.
    /// - Returns: how many reports were accepted by both.
    package func sweep() async throws -> Int {
        // Others leave them alone for as long as telling takes.
        let due = try await pool.query(
            """
            UPDATE deployments.reports AS r SET due = now() + interval '150 seconds', attempts = r.attempts + 1
            FROM (
                SELECT workspace, "user" FROM deployments.reports
                WHERE (accepted_models < generation OR accepted_images < generation) AND due <= now()
                ORDER BY due LIMIT 20 FOR UPDATE SKIP LOCKED
            ) AS found
            WHERE r.workspace = found.workspace AND r."user" = found."user"
            RETURNING \(DueUse.columns)
            """
        ).all(DueUse.self)
        var accepted = 0
        for report in due {
            do {
                try await tell(report)
                accepted += 1
            } catch {
                try Task.checkCancellation()
                let pause = min(300, 1 << min(report.attempts, 8))
                log.warning(
                    "what a deployment uses was not taken down",
                    ["user": .string(report.user), "error": .string("\(error)"), "pause": "\(pause) s"])
                try await pool.execute(
                    """
                    UPDATE deployments.reports SET due = now() + \(Double(pause)) * interval '1 second'
                    WHERE \(report.condition) AND generation = \(report.generation)
                    """)
            }
        }
        return accepted
    }

    private func tell(_ report: DueUse) async throws {
        let (place, principal) = (report.place, EntityID(report.principal))
        if report.acceptedImages < report.generation {
            let images = Slipway.Images.V1.Images.Client(builder.acting(for: principal, in: place))
            try await told(report, "accepted_images", list: "images", report.images) {
                try await images.reportUse(
                    .init(user: report.user, images: report.images, generation: report.generation)
                ).accepted
            }
        }
        if report.acceptedModels < report.generation {
            let lineage = Slipway.Models.V1.Lineage.Client(registry.acting(for: principal, in: place))
            try await told(report, "accepted_models", list: "versions", report.versions) {
                try await lineage.reportUse(
                    .init(
                        user: report.user, kind: .deployment, versions: report.versions, images: report.images,
                        state: report.state, generation: report.generation)
                ).accepted
            }
        }
        // Who uses nothing any more is forgotten; a later one of the same name begins with a later generation.
        try await pool.execute(
            """
            DELETE FROM deployments.reports WHERE \(report.condition) AND state = 'deleted'
                AND accepted_models >= generation AND accepted_images >= generation
            """)
    }

    private func told(
        _ report: DueUse, _ column: String, list: String, _ names: [String], _ call: () async throws -> Bool
    ) async throws {
        let isAccepted: Bool
        do { isAccepted = try await call() } catch let error as RPCError where error.code == .notFound {
            guard let gone = error.goneNames.first(where: names.contains) else { throw error }
            // It was removed for good while nobody was known to use it, and can't come back. The rest is used as before.
            log.warning("a deployment uses what is gone", ["user": .string(report.user), "gone": .string(gone)])
            try await pool.execute(
                """
                UPDATE deployments.reports
                SET \(identifier: list) = array_remove(\(identifier: list), \(gone)), generation = generation + 1,
                    due = now()
                WHERE \(report.condition) AND generation = \(report.generation)
                """)
            return
        }
        if isAccepted {
            try await pool.execute(
                """
                UPDATE deployments.reports
                SET \(identifier: column) = greatest(\(identifier: column), \(report.generation)), attempts = 0,
                    due = now()
                WHERE \(report.condition)
                """)
        } else {
            // Nobody but us speaks of it: what they have is of a database that was put back since.
            try await pool.execute(
                """
                UPDATE deployments.reports SET due = now(),
                    generation = greatest(generation + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
                WHERE \(report.condition) AND generation = \(report.generation)
                """)
        }
    }
}

private struct DueUse: PostgresRowDecodable {
    let workspace: PostgresUUID
    let place: Workspace
    let user: String
    let principal: PostgresUUID
    let versions: [String]
    let images: [String]
    let state: String
    let generation: Int64
    let acceptedModels: Int64
    let acceptedImages: Int64
    let attempts: Int

    static var columns: PostgresQuery {
        """
        r.workspace, r.workspace_name, r."user", r.principal, r.versions, r.images, r.state, r.generation,
        r.accepted_models, r.accepted_images, r.attempts
        """
    }

    init(row: PostgresRow) throws {
        workspace = try row.decode("workspace")
        place = Workspace(id: EntityID(workspace), name: try row.decode("workspace_name"))
        user = try row.decode("user")
        principal = try row.decode("principal")
        versions = try row.decode("versions")
        images = try row.decode("images")
        state = try row.decode("state")
        generation = try row.decode("generation")
        acceptedModels = try row.decode("accepted_models")
        acceptedImages = try row.decode("accepted_images")
        attempts = Int(try row.decode("attempts", as: Int32.self))
    }

    var condition: PostgresQuery { "workspace = \(workspace) AND \"user\" = \(user)" }
}

extension RPCError {
    /// What the other service does not have, as it may have been reported: `images/churn:2`; `churn:3` for a model's.
    fileprivate var goneNames: [String] {
        details.compactMap { $0.decode(as: Google.Rpc.ResourceInfo.self) }.map(\.resourceName)
            .flatMap { $0.hasPrefix("models/") ? [String($0.dropFirst(7))] : [$0] }
    }
}
