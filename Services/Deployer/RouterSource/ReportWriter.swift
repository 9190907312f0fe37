import Contracts
import DeployerRouter
import Loop
import Postgres

/// Writes what a router counted into the table that deployers read, and only what has changed since.
final class ReportWriter: Sendable {
    private struct Place: Hashable {
        let deployment: Int64
        let revision: Int32
    }
    private struct State {
        var written: [Place: [UInt8]] = [:]
        /// Deployments whose first waiting request is still to be told of.
        var demand: Set<Int64> = []
    }

    private let id: PostgresUUID
    private let router: Router
    private let state = Lock(State())
    /// Rung when there is something to be written at once.
    let bell = PostgresBell()

    /// - Parameter id: names the router as long as it runs: its numbers begin at zero.
    init(_ id: PostgresUUID, _ router: Router) {
        self.id = id
        self.router = router
    }

    /// A request begins to wait for a deployment's first replica. From any thread.
    func demand(_ deployment: Int64) {
        state.withLock { _ = $0.demand.insert(deployment) }
        bell.ring()
    }

    /// Writes what has changed, and rings for deployments that somebody waits for.
    /// - Throws: `PostgresError`; everything is written the next time then.
    func write(to pool: PostgresPool) async throws {
        let demand = state.withLock { state in
            defer { state.demand = [] }
            return state.demand
        }
        do {
            let changed = changes()
            try await pool.transaction { [id] transaction in
                for (place, report) in changed {
                    try await transaction.execute(
                        """
                        INSERT INTO deployments.router_reports (router, deployment, revision, report, reported)
                        VALUES (\(id), \(place.deployment), \(place.revision), \(report), now())
                        ON CONFLICT (router, deployment, revision)
                        DO UPDATE SET report = excluded.report, reported = excluded.reported
                        """)
                }
                for number in demand.sorted() {
                    try await transaction.execute("SELECT pg_notify('slipway_demand', \("\(number)"))")
                }
            }
            state.withLock { state in
                for (place, report) in changed { state.written[place] = report }
                // What is gone from the table may come back; it is then written anew.
                let there = Set(router.reports().map { Place(deployment: $0.deployment, revision: $0.report.revision) })
                state.written = state.written.filter { there.contains($0.key) }
            }
        } catch {
            state.withLock { $0.demand.formUnion(demand) }
            throw error
        }
    }

    var hasSomething: Bool { state.withLock { !$0.demand.isEmpty } || !changes().isEmpty }

    private func changes() -> [(Place, [UInt8])] {
        let reports = router.reports()
        return state.withLock { state in
            reports.compactMap { deployment, report in
                let place = Place(deployment: deployment, revision: report.revision)
                let bytes = report.serialized()
                return state.written[place] == bytes ? nil : (place, bytes)
            }
        }
    }
}
