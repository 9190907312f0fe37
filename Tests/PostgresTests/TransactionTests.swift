import Loop
import Synchronization
import Testing

@testable import Postgres

private struct Refusal: Error, Equatable {}

@Suite struct TransactionTests {
    @Test("a closure that returns commits, one that throws rolls back")
    func commitAndRollback() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.execute("CREATE TABLE tx_basic (id int)")
            try await pool.transaction { try await $0.execute("INSERT INTO tx_basic VALUES (1)") }
            await #expect(throws: Refusal.self) {
                try await pool.transaction { transaction in
                    try await transaction.execute("INSERT INTO tx_basic VALUES (2)")
                    throw Refusal()
                }
            }
            #expect(try await pool.query("SELECT id FROM tx_basic").all(Int.self) == [1])
        }
    }

    @Test("a swallowed error does not commit: the transaction reports that it was rolled back")
    func swallowedError() async throws {
        try await TestDatabase.withPool { pool in
            let error = try await #require(throws: PostgresError.self) {
                try await pool.transaction { transaction in
                    _ = try? await transaction.query("SELECT 1 / 0")
                }
            }
            #expect(error.code == .inFailedTransaction)
        }
    }

    @Test("conflicting serializable transactions are run again until all have succeeded")
    func serialization() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.execute("CREATE TABLE tx_counter (n int)")
            try await pool.execute("INSERT INTO tx_counter VALUES (0)")
            let runs = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var options = PostgresTransactionOptions()
                        options.isolation = .serializable
                        options.attemptsMax = 100
                        try await pool.transaction(options) { transaction in
                            runs.add()
                            let n = try await transaction.query("SELECT n FROM tx_counter").all(Int.self)[0]
                            try await transaction.execute("UPDATE tx_counter SET n = \(n + 1)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await pool.query("SELECT n FROM tx_counter").all(Int.self) == [8])
            #expect(runs.value >= 8)
        }
    }

    @Test("a savepoint undoes its part alone")
    func savepoints() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.execute("CREATE TABLE tx_savepoint (id int PRIMARY KEY)")
            try await pool.transaction { transaction in
                try await transaction.execute("INSERT INTO tx_savepoint VALUES (1)")
                let error = await #expect(throws: PostgresError.self) {
                    try await transaction.savepoint { try await $0.execute("INSERT INTO tx_savepoint VALUES (1)") }
                }
                #expect(error?.code == .uniqueViolation)
                try await transaction.savepoint { try await $0.execute("INSERT INTO tx_savepoint VALUES (2)") }
            }
            #expect(try await pool.query("SELECT id FROM tx_savepoint ORDER BY id").all(Int.self) == [1, 2])
        }
    }

    @Test("a read-only transaction refuses to write, and so do shared reads")
    func readOnly() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.execute("CREATE TABLE tx_readonly (id int)")
            let error = try await #require(throws: PostgresError.self) {
                try await pool.transaction(isolation: .serializable, readOnly: true, deferrable: true) {
                    try await $0.execute("INSERT INTO tx_readonly VALUES (1)")
                }
            }
            #expect(error.code == .readOnlyTransaction)
            let read = try await #require(throws: PostgresError.self) {
                try await pool.read("INSERT INTO tx_readonly VALUES (1)")
            }
            #expect(read.code == .readOnlyTransaction)
        }
    }

    @Test("a lock that does not come in time fails the statement")
    func lockTimeout() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.execute("CREATE TABLE tx_lock (id int)")
            try await pool.transaction { holder in
                try await holder.execute("LOCK TABLE tx_lock")
                var options = PostgresTransactionOptions()
                options.lockTimeout = .milliseconds(50)
                let error = try await #require(throws: PostgresError.self) {
                    try await pool.transaction(options) { try await $0.execute("INSERT INTO tx_lock VALUES (1)") }
                }
                #expect(error.code == .lockNotAvailable)
            }
        }
    }

    @Test("a transaction can't be used after its closure")
    func escaped() async throws {
        try await TestDatabase.withPool { pool in
            let escaped = try await pool.transaction { transaction in
                try await transaction.execute("SELECT 1")
                return transaction
            }
            let error = try await #require(throws: PostgresError.self) { try await escaped.query("SELECT 1") }
            #expect(error.kind == .usage)
        }
    }

    @Test("cancelling a task rolls its transaction back and gives the connection back")
    func cancelled() async throws {
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 1
        } _: { pool in
            try await pool.execute("CREATE TABLE tx_cancelled (id int)")
            let began = Counter()
            let task = Task {
                try await pool.transaction { transaction in
                    try await transaction.execute("INSERT INTO tx_cancelled VALUES (1)")
                    began.add()
                    try await transaction.execute("SELECT pg_sleep(20)")
                }
            }
            while began.value == 0 { await Task.yield() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await pool.query("SELECT id FROM tx_cancelled").count == 0)
        }
    }

    @Test("many rows go in with few statements, with every kind of column")
    func bulkInsert() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.execute("CREATE TABLE bulk (id int PRIMARY KEY, name text, data bytea, at timestamptz)")
            let now = PostgresTimestamp.now
            let rows = (0..<12_000).map { (Int64($0), $0 % 2 == 0 ? "n\($0)" : nil, [UInt8]([1, 2]), now) }
            let columns = ["id", "name", "data", "at"]
            let inserted = try await pool.insert(into: "public.bulk", columns: columns, rows: rows) { $0 }
            #expect(inserted == 12_000)
            let again = try await pool.insert(
                into: "bulk", columns: columns, rows: rows.prefix(10), suffix: "ON CONFLICT DO NOTHING"
            ) { $0 }
            #expect(again == 0)
            let count = try await pool.query("SELECT count(*), count(name) FROM bulk WHERE data = \([1, 2] as [UInt8])")
            #expect(try count[0].decode((Int, Int).self) == (12_000, 6_000))
        }
    }
}

/// A number that several tasks raise.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    func add() { count.add(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}
