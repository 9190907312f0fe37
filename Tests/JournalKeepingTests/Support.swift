import Glibc
import Journal
import Loop
import Testing

@testable import JournalKeeping
@testable import Postgres
@testable import ServiceKit

/// A cluster with a journal, a loop by the machine's clock for the database, and one whose time the test sets.
struct KeeperFixture {
    let cluster: PrivateCluster
    let pool: PostgresPool
    let clock = ManualClock()
    let loop: EventLoop

    static func with(_ body: (KeeperFixture) async throws -> Void) async throws {
        let folder = "/tmp/slipway-keeper-tests-\(getpid())"
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off")]
        let cluster = try await PrivateCluster.start(configuration)
        let group = try LoopGroup(count: 1)
        try group.start()
        let database = PostgresConfiguration(connection: cluster.connectionString)
        try await Journal.prepare(database, on: group.loops[0])
        let fixture = try KeeperFixture(cluster, PostgresPool(database, loops: group.loops))
        var failure: (any Error)?
        do { try await body(fixture) } catch { failure = error }
        await fixture.pool.close()
        fixture.group.stop()
        group.stop()
        try await cluster.stop()
        _ = try ChildProcess.run("rm", ["-rf", "--", folder])
        if let failure { throw failure }
    }

    private let group: LoopGroup

    private init(_ cluster: PrivateCluster, _ pool: PostgresPool) throws {
        self.cluster = cluster
        self.pool = pool
        group = try LoopGroup(count: 1, name: "manual", clock: clock)
        try group.start()
        loop = group.loops[0]
    }

    /// A keeper with a registry of its own.
    func keeper(
        _ settings: JournalKeeperSettings = JournalKeeperSettings(), logger: Logger = .silent
    ) -> (keeper: JournalKeeper, metrics: MetricsRegistry) {
        let metrics = MetricsRegistry()
        return (JournalKeeper(pool, settings: settings, loop: loop, logger: logger, metrics: metrics), metrics)
    }

    /// Lets time pass, step by step, until `condition` holds. The steps are of the manual clock; a minute of real time is
    /// what a loaded machine may need.
    func passTime(
        _ step: Duration = .seconds(60), until what: Comment, _ condition: () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if try await condition() { return }
            clock.advance(by: step)
            try await pool.execute("SELECT 1")
        }
        Issue.record("never happened: \(what)")
    }

    func append(_ subject: String) async throws {
        try await pool.transaction {
            try await Journal.append(JournalEntry(actor: "a", action: "b", subject: subject), in: $0)
        }
    }

    func sealedCount() async throws -> Int {
        try await pool.query("SELECT coalesce(sum(count), 0)::int8 FROM journal.seals").all(Int.self)[0]
    }

    func partitions() async throws -> [String] {
        try await pool.query(
            """
            SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'journal.entries'::regclass ORDER BY c.relname
            """
        ).all(String.self)
    }
}

extension MetricsRegistry {
    /// The value of a series as it is written out.
    func value(_ series: String) -> Double? {
        for line in text(.prometheus).split(separator: "\n") where line.hasPrefix(series + " ") {
            return Double(line.dropFirst(series.count + 1))
        }
        return nil
    }
}
