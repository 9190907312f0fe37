import ConnectionPool
import Glibc
import Journal
import Loop
import Postgres

/// Point reads through the pool, for `Benchmarks/State/run`:
///
///     bench-state cluster FOLDER             makes and starts a private cluster, prints its connection string
///     bench-state stop FOLDER
///     bench-state writes CONNECTION MODE CALLERS SECONDS
///     bench-state reads CONNECTION MODE CALLERS SECONDS ROWS
///
/// MODE is `pool` (each read takes one of eight connections) or `shared` (reads meet in pipelines on two). Prints reads per
/// second and the CPU time of this process per read, in microseconds. For writes MODE is `journal` (an entry in a transaction
/// of its own) or `bare` (the same row into a table without digest, trigger and partitions, with the same indexes).
///
///     bench-state bulk CONNECTION MODE ROWS
///
/// Inserts ROWS rows in one transaction: `single` (a statement each), `unnest` or `copy`. Prints as the others, per row.
@main struct StateBenchmark {
    static func main() async {
        do {
            try await run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            let text = "bench-state: \(error)\n"
            _ = write(2, text, text.utf8.count)
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) async throws {
        switch arguments.first {
        case "cluster" where arguments.count == 2:
            print(try await PrivateCluster.start(PrivateCluster.Configuration(folder: arguments[1])).connectionString)
        case "stop" where arguments.count == 2:
            try await PrivateCluster.start(PrivateCluster.Configuration(folder: arguments[1])).stop()
        case "reads" where arguments.count == 6:
            guard let callers = Int(arguments[3]), let seconds = Double(arguments[4]), let rows = Int32(arguments[5])
            else { throw PostgresError(.usage, "numbers are expected") }
            try await reads(arguments[1], isShared: arguments[2] == "shared", callers, .seconds(seconds), rows)
        case "writes" where arguments.count == 5:
            guard let callers = Int(arguments[3]), let seconds = Double(arguments[4])
            else { throw PostgresError(.usage, "numbers are expected") }
            try await writes(arguments[1], isJournal: arguments[2] == "journal", callers, .seconds(seconds))
        case "bulk" where arguments.count == 4:
            guard let rows = Int(arguments[3]) else { throw PostgresError(.usage, "a number is expected") }
            try await BulkBenchmark.run(arguments[1], arguments[2], rows)
        default: throw PostgresError(.usage, "see the comment at the top of the source")
        }
    }

    private static func reads(
        _ connection: String, isShared: Bool, _ callers: Int, _ duration: Duration, _ rows: Int32
    ) async throws {
        var configuration = PostgresConfiguration(connection: connection)
        configuration.pool.connectionsMax = 8
        let group = try LoopGroup(count: 1)
        try group.start()
        let pool = PostgresPool(configuration, loops: group.loops)
        // Connections and statements first.
        _ = try await measure(pool, isShared, callers, .milliseconds(300), rows, group.loops[0])
        let cpu = cpuSeconds()
        let start = ContinuousClock.now
        let count = try await measure(pool, isShared, callers, duration, rows, group.loops[0])
        let elapsed = ContinuousClock.now - start
        let perSecond = Double(count) / (Double(elapsed.wholeNanoseconds) / 1e9)
        print(Int(perSecond), (cpuSeconds() - cpu) / Double(count) * 1e6)
        await pool.close()
        group.stop()
    }

    private static func writes(
        _ connection: String, isJournal: Bool, _ callers: Int, _ duration: Duration
    ) async throws {
        var configuration = PostgresConfiguration(connection: connection)
        configuration.pool.connectionsMax = 8
        let group = try LoopGroup(count: 1)
        try group.start()
        let loop = group.loops[0]
        try await Journal.prepare(configuration, on: loop)
        let pool = PostgresPool(configuration, loops: group.loops)
        try await pool.execute(
            "CREATE TABLE IF NOT EXISTS bare (LIKE journal.entries INCLUDING INDEXES INCLUDING DEFAULTS)")
        try await pool.execute("ALTER TABLE bare ALTER COLUMN digest DROP NOT NULL")
        let entry = JournalEntry(
            actor: "user:ada", action: "model.version.create", subject: "models/credit/versions/7", workspace: "lab",
            reason: "weekly training", before: nil,
            after: PostgresJSON("{\"stage\": \"new\", \"digest\": \"sha256:0123456789abcdef\"}"),
            traceID: "4bf92f3577b34da6")
        let start = ContinuousClock.now
        let cpu = cpuSeconds()
        let end = start + duration
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<callers {
                group.addTask(executorPreference: loop) {
                    var count = 0
                    while ContinuousClock.now < end {
                        try await pool.transaction { transaction in
                            if isJournal { return try await Journal.append(entry, in: transaction) }
                            try await transaction.execute(
                                """
                                INSERT INTO bare (actor, action, subject, workspace, reason, before, after, trace)
                                VALUES (\(entry.actor), \(entry.action), \(entry.subject), \(entry.workspace),
                                    \(entry.reason), \(entry.before), \(entry.after), \(entry.traceID))
                                """)
                        }
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        let elapsed = ContinuousClock.now - start
        print(Int(Double(count) / (Double(elapsed.wholeNanoseconds) / 1e9)), (cpuSeconds() - cpu) / Double(count) * 1e6)
        await pool.close()
        group.stop()
    }

    private static func measure(
        _ pool: PostgresPool, _ isShared: Bool, _ callers: Int, _ duration: Duration, _ rows: Int32, _ loop: EventLoop
    ) async throws -> Int {
        let end = ContinuousClock.now + duration
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for caller in 0..<callers {
                // Where a service's handlers run too: on the loop.
                group.addTask(executorPreference: loop) {
                    var count = 0
                    var random = UInt32(truncatingIfNeeded: caller &* 7919 &+ 1)
                    while ContinuousClock.now < end {
                        random = random &* 1_664_525 &+ 1_013_904_223
                        let id = Int32(random % UInt32(rows)) + 1
                        let query: PostgresQuery = "SELECT abalance FROM pgbench_accounts WHERE aid = \(id)"
                        let result = isShared ? try await pool.read(query) : try await pool.query(query)
                        guard try result.all(Int32.self).count == 1 else { throw PostgresError(.usage, "no row \(id)") }
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
    }

    static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
