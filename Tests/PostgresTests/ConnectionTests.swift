import Glibc
import Loop
import Testing

@testable import Postgres

@Suite struct ConnectionTests {
    @Test("cancelling a task ends its statement on the server, and the connection stays usable")
    func cancellation() async throws {
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 1
        } _: { pool in
            let pid = try await pool.query("SELECT pg_backend_pid()").all(Int32.self)[0]
            let started = ContinuousClock.now
            let task = Task { try await pool.query("SELECT pg_sleep(30)") }
            try await awaitActivity(pid, "SELECT pg_sleep(30)")
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(ContinuousClock.now - started < .seconds(10))
            #expect(try await pool.query("SELECT pg_backend_pid()").all(Int32.self) == [pid])
        }
    }

    /// Waits until another session sees that statement running.
    private func awaitActivity(_ pid: Int32, _ sql: String) async throws {
        try await TestDatabase.withPool { watcher in
            while true {
                let seen = try await watcher.query(
                    "SELECT 1::int8 FROM pg_stat_activity WHERE pid = \(pid) AND state = 'active' AND query = \(sql)")
                if seen.count == 1 { return }
            }
        }
    }

    @Test("a statement that takes too long is cancelled, and the connection stays usable")
    func statementTimeout() async throws {
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 1
        } _: { pool in
            let pid = try await pool.query("SELECT pg_backend_pid()").all(Int32.self)[0]
            let error = try await #require(throws: PostgresError.self) {
                try await pool.query("SELECT pg_sleep(30)", timeout: .milliseconds(100))
            }
            #expect(error.kind == .deadlineExceeded)
            #expect(try await pool.query("SELECT pg_backend_pid()").all(Int32.self) == [pid])
        }
    }

    @Test("the server's own limit holds as well")
    func serverTimeout() async throws {
        try await TestDatabase.withPool {
            $0.statementTimeout = .milliseconds(50)
        } _: { pool in
            let error = try await #require(throws: PostgresError.self) { try await pool.query("SELECT pg_sleep(30)") }
            #expect(error.kind == .server && error.code == .queryCanceled)
        }
    }

    @Test("a pipeline answers each statement by itself")
    func pipeline() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.withConnection { connection in
                let outcomes = await connection.pipeline(["SELECT 1::int8", "SELECT 1 / 0", "SELECT \(3)"])
                let (first, last) = (try outcomes[0].get(), try outcomes[2].get())
                #expect(try first.all(Int.self) == [1])
                #expect(throws: PostgresError.self) { try outcomes[1].get() }
                #expect(try last.all(Int.self) == [3])
            }
            let both = try await pool.read(["SELECT \(1)", "SELECT \("two")"])
            #expect(try both[1].all(String.self) == ["two"])
        }
    }

    @Test("shared reads that fail do not fail their neighbours")
    func sharedReads() async throws {
        try await TestDatabase.withPool { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<500 {
                    group.addTask {
                        if index % 7 == 0 {
                            let error = try await #require(throws: PostgresError.self) {
                                try await pool.read("SELECT 1 / \(0 * index)")
                            }
                            #expect(error.code == .divisionByZero)
                        } else {
                            #expect(try await pool.read("SELECT \(index)").all(Int.self) == [index])
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a prepared statement that a change of the schema made useless is prepared again")
    func stalePlan() async throws {
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 1
        } _: { pool in
            try await pool.execute("CREATE TABLE stale (a int)")
            try await pool.execute("INSERT INTO stale VALUES (1)")
            #expect(try await pool.query("SELECT * FROM stale")[0].columnCount == 1)
            try await pool.execute("ALTER TABLE stale ADD COLUMN b int")
            #expect(try await pool.query("SELECT * FROM stale")[0].columnCount == 2)
            try await pool.execute("DEALLOCATE ALL")
            #expect(try await pool.query("SELECT * FROM stale")[0].columnCount == 2)
            try await pool.execute("ALTER TABLE stale DROP COLUMN b")
            let columns = try await pool.transaction { try await $0.query("SELECT * FROM stale")[0].columnCount }
            #expect(columns == 1)
        }
    }

    @Test("the cache of prepared statements stays within its bound")
    func cacheBound() async throws {
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 1; $0.preparedStatementsMax = 4
        } _: { pool in
            for round in 0..<3 {
                for index in 0..<10 {
                    let rows = try await pool.query("SELECT \(unsafe: "\(index)")::int8 + \(round)")
                    #expect(try rows.all(Int.self) == [index + round])
                }
            }
            let prepared = try await pool.query("SELECT count(*) FROM pg_prepared_statements").all(Int.self)[0]
            #expect(prepared <= 4)
        }
    }

    @Test("a statement that is prepared already has all of its rows right after a stream", arguments: [0, 1, 700])
    func afterStream(count: Int) async throws {
        try await TestDatabase.withPool { pool in
            try await pool.withConnection { connection in
                for round in 0..<3 {
                    let rows = try await connection.query("SELECT generate_series(1, 3)").all(Int32.self)
                    #expect(rows == [1, 2, 3], "round \(round)")
                    var streamed = 0
                    try await connection.stream("SELECT generate_series(1, \(Int32(count)))") { rows in
                        for try await _ in rows { streamed += 1 }
                    }
                    #expect(streamed == count)
                }
            }
        }
    }

    @Test("a large result is streamed, and the server is not read faster than its consumer")
    func streaming() async throws {
        try await TestDatabase.withPool { pool in
            let sum = try await pool.stream("SELECT i::int8 FROM generate_series(1, \(20_000)) AS i") { rows in
                var sum = 0
                for try await value in rows.decode(Int.self) { sum += value }
                return sum
            }
            #expect(sum == 20_000 * 20_001 / 2)
            try await pool.withConnection { connection in
                let first = try await connection.stream("SELECT generate_series(1, 100000000)::int8") { rows in
                    for try await value in rows.decode(Int.self) { return value }
                    return 0
                }
                #expect(first == 1)
                #expect(try await connection.query("SELECT 1::int8").all(Int.self) == [1])
                await #expect(throws: PostgresError.self) {
                    try await connection.stream("SELECT 1 / (5 - i) FROM generate_series(1, 10) AS i") { rows in
                        for try await _ in rows {}
                    }
                }
                #expect(try await connection.query("SELECT 2::int8").all(Int.self) == [2])
            }
        }
    }

    @Test("when all connections are taken and the queue is full, the error says so")
    func exhaustion() async throws {
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 1
            $0.pool.waitersMax = 0
        } _: { pool in
            // With no queue at all even the first caller finds nobody to wait with.
            let error = try await #require(throws: PostgresError.self) { try await pool.query("SELECT 1") }
            #expect(error.kind == .poolExhausted)
        }
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 1
        } _: { pool in
            try await pool.withConnection { _ in
                let error = try await #require(throws: PostgresError.self) {
                    try await pool.query("SELECT 1", timeout: .milliseconds(50))
                }
                #expect(error.kind == .poolExhausted && error.message.contains("no connection became free"))
            }
        }
    }

    @Test("a wrong database is refused at once, and the reason names it")
    func permanentFailure() async throws {
        let cluster = try await TestDatabase.cluster()
        var configuration = TestDatabase.configuration(cluster)
        configuration.connection += " dbname=nowhere"
        let pool = PostgresPool(configuration, loops: TestDatabase.loops.loops)
        let started = ContinuousClock.now
        let error = try await #require(throws: PostgresError.self) { try await pool.query("SELECT 1") }
        #expect(error.code == .invalidCatalogName && error.message.contains("nowhere"))
        #expect(ContinuousClock.now - started < .seconds(5))
        await pool.close()
        var broken = configuration
        broken.connection = "nonsense=1"
        let usage = try await #require(throws: PostgresError.self) {
            try await PostgresConnection.connect(broken, on: TestDatabase.loops.loops[0])
        }
        #expect(usage.kind == .usage)
    }

    @Test("a session that is left in a transaction is not lent again")
    func leftInTransaction() async throws {
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 1
        } _: { pool in
            let pid = try await pool.withConnection { connection in
                try await connection.execute("BEGIN")
                return try await connection.query("SELECT pg_backend_pid()").all(Int32.self)[0]
            }
            #expect(try await pool.query("SELECT pg_backend_pid()").all(Int32.self)[0] != pid)
        }
    }
}
