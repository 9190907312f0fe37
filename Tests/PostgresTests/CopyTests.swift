import Glibc
import Loop
import Testing

@testable import Postgres

@Suite struct CopyTests {
    private struct Person: Equatable, Sendable {
        var id: Int
        var name: String?
        var bytes: [UInt8]
    }

    private struct Broken: Error {}

    private func table(_ name: String, _ pool: PostgresPool, _ columns: String) async throws {
        try await pool.execute("CREATE TABLE \(identifier: name) (\(unsafe: columns))")
    }

    @Test("rows of several batches come whole, with nulls, empty values and such larger than every buffer")
    func roundTrip() async throws {
        try await TestDatabase.withPool { pool in
            try await table("copied", pool, "id int8 PRIMARY KEY, name text, bytes bytea")
            let people = (0..<30_000).map { id in
                Person(
                    id: id, name: id % 3 == 0 ? nil : (id % 3 == 1 ? "" : "name \(id)"),
                    bytes: [UInt8](repeating: UInt8(id % 251), count: id == 777 ? 6 << 20 : id % 200))
            }
            let count = try await pool.copy(into: "public.copied", columns: ["id", "name", "bytes"], rows: people) {
                ($0.id, $0.name, $0.bytes)
            }
            #expect(count == 30_000)
            let rows = try await pool.query("SELECT id, name, bytes FROM copied ORDER BY id")
            let found = try rows.all((Int, String?, [UInt8]).self).map { Person(id: $0.0, name: $0.1, bytes: $0.2) }
            #expect(found == people)
            #expect(try await pool.copy(into: "copied", columns: ["id"], rows: [Int]()) { $0 } == 0)
        }
    }

    @Test("rows of a sequence are taken no faster than the server takes them")
    func backPressure() async throws {
        try await TestDatabase.withPool { pool in
            try await table("slow", pool, "id int8 PRIMARY KEY, text text")
            let made = Counter()
            let filler = String(repeating: "x", count: 1000)
            let source = AsyncStream<Int>(unfolding: {
                made.add()
                return made.value <= 20_000 ? made.value : nil
            })
            let task = try await pool.transaction { holder in
                // The first row waits for what becomes of this one.
                try await holder.execute("INSERT INTO slow VALUES (1)")
                let task = Task {
                    try await pool.copy(into: "slow", columns: ["id", "text"], rows: source) { ($0, filler) }
                }
                while try await pool.query(waits("slow")).all(Bool.self) == [false] { await Task.yield() }
                #expect(made.value < 1200, "more than the first batch was taken")
                try await holder.execute("DELETE FROM slow")
                return task
            }
            #expect(try await task.value == 20_000)
            #expect(try await pool.query("SELECT sum(id)::int8 FROM slow").all(Int.self) == [20_000 * 20_001 / 2])
        }
    }

    private func waits(_ table: String) -> PostgresQuery {
        """
        SELECT EXISTS (
            SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE \("COPY%\(table)%"))
        """
    }

    @Test("an error names row and column, and nothing stays", arguments: [0, 20_000])
    func errors(before: Int) async throws {
        try await TestDatabase.withPool { pool in
            let name = "failing_\(before)"
            try await table(name, pool, "id int8 PRIMARY KEY, name varchar(1000) NOT NULL, at date")
            let filler = String(repeating: "x", count: 100)
            func insert(_ last: (Int, String?)) async throws -> PostgresError {
                let rows = (1...before + 3).map { ($0, filler as String?) } + [last, (0, filler)]
                return try await #require(throws: PostgresError.self) {
                    try await pool.copy(into: name, columns: ["id", "name"], rows: rows) { ($0.0, $0.1) }
                }
            }
            let null = try await insert((-1, nil))
            #expect(null.code == .notNullViolation && null.row == before + 4 && null.column == "name")
            let double = try await insert((2, filler))
            #expect(double.code == .uniqueViolation && double.row == before + 4)
            #expect(double.constraint == "\(name)_pkey")
            let long = try await insert((-1, String(repeating: "y", count: 2000)))
            #expect(long.row == before + 4 && !"\(long)".contains("yyy"))
            let zero = try await insert((-1, "a\0b"))
            #expect(zero.row == before + 4 && zero.column == "name")
            #expect(try await pool.query("SELECT count(*) FROM \(identifier: name)").all(Int.self) == [0])
            #expect(try await pool.copy(into: name, columns: ["id", "name"], rows: [1, 2]) { ($0, filler) } == 2)
        }
    }

    @Test("types that are not the columns', and columns that are not there, are told before a row is sent")
    func types() async throws {
        try await TestDatabase.withPool { pool in
            try await table("typed", pool, "small int4, data jsonb")
            let never = Counter()
            let wrong = try await #require(throws: PostgresError.self) {
                try await pool.copy(into: "typed", columns: ["small"], rows: [1]) { (row: Int) -> Int in
                    never.add()
                    return row
                }
            }
            #expect(wrong.kind == .usage && wrong.column == "small")
            #expect(wrong.message.contains("int4") && wrong.message.contains("int8"))
            let missing = try await #require(throws: PostgresError.self) {
                try await pool.copy(into: "typed", columns: ["smell"], rows: [Int32(1)]) { $0 }
            }
            #expect(missing.code == .undefinedColumn && never.value == 0)
            let count = try await pool.copy(into: "typed", columns: ["small", "data"], rows: [Int32(1)]) {
                ($0, PostgresJSON("{\"a\": 1}"))
            }
            #expect(count == 1)
            #expect(try await pool.query("SELECT (data->>'a')::int8 FROM typed").all(Int.self) == [1])
        }
    }

    @Test("cancelled midway, or with a source that fails, it leaves nothing and the connection serves on")
    func cancelled() async throws {
        try await TestDatabase.withPool {
            $0.pool.connectionsMax = 2
        } _: { pool in
            try await table("cut", pool, "id int8, text text")
            let filler = String(repeating: "x", count: 1000)
            let made = Counter()
            let task = Task {
                let endless = AsyncStream<Int>(unfolding: {
                    made.add()
                    return made.value
                })
                try await pool.copy(into: "cut", columns: ["id", "text"], rows: endless) { ($0, filler) }
            }
            // More than two batches are under way or done.
            while made.value < 3000 { await Task.yield() }
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
            await #expect(throws: Broken.self) {
                try await pool.copy(
                    into: "cut", columns: ["id", "text"],
                    rows: AsyncThrowingStream<Int, any Error>(unfolding: {
                        made.add()
                        if made.value % 5000 == 0 { throw Broken() }
                        return made.value
                    })
                ) { ($0, filler) }
            }
            #expect(try await pool.query("SELECT count(*) FROM cut").all(Int.self) == [0])
        }
    }

    @Test("a COPY that waits for a lock is cancelled there, and late ones at their deadline")
    func stuck() async throws {
        try await TestDatabase.withPool { pool in
            try await table("locked", pool, "id int8 PRIMARY KEY")
            let many = [Int](1...200_000)
            try await pool.transaction { holder in
                try await holder.execute("INSERT INTO locked VALUES (\(5))")
                let late = try await #require(throws: PostgresError.self) {
                    try await pool.copy(
                        into: "locked", columns: ["id"], rows: many, timeout: .milliseconds(300)
                    ) { $0 }
                }
                #expect(late.kind == .deadlineExceeded)
                let task = Task { try await pool.copy(into: "locked", columns: ["id"], rows: [5]) { $0 } }
                while try await pool.query(waits("locked")).all(Bool.self) == [false] { await Task.yield() }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
            }
            #expect(try await pool.query("SELECT id FROM locked").all(Int.self) == [5])
        }
    }

    @Test("COPY typed into a query is still refused, and the pool serves on")
    func refused() async throws {
        try await TestDatabase.withPool { pool in
            try await table("direct", pool, "id int8")
            let error = try await #require(throws: PostgresError.self) {
                try await pool.query("COPY direct FROM STDIN")
            }
            #expect(error.kind == .usage || error.kind == .server)
            #expect(try await pool.query("SELECT 1::int8").all(Int.self) == [1])
        }
    }
}
