import Glibc
import Loop
import TestKit
import Testing

@testable import Journal
@testable import Postgres

private struct Undone: Error {}

/// One cluster for all of them, one after the other: they read the whole journal.
@Suite(.serialized) struct JournalTests {
    private func withJournal(_ body: (PostgresPool, Journal) async throws -> Void) async throws {
        let folder = "/tmp/slipway-journal-tests-\(getpid())"
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "100")]
        let cluster = try await PrivateCluster.start(configuration)
        let group = try LoopGroup(count: 2)
        try group.start()
        var database = PostgresConfiguration(connection: cluster.connectionString)
        database.pool.connectionsMax = 30
        try await Journal.prepare(database, on: group.loops[0])
        let pool = PostgresPool(database, loops: group.loops)
        var failure: (any Error)?
        do { try await body(pool, Journal(pool)) } catch { failure = error }
        await pool.close()
        group.stop()
        try await cluster.stop()
        _ = try ChildProcess.run("rm", ["-rf", "--", folder])
        if let failure { throw failure }
    }

    @Test("an entry is written with its change, comes back whole, and goes with a rollback")
    func append() async throws {
        try await withJournal { pool, journal in
            let entry = JournalEntry(
                actor: "ada", action: "model.create", subject: "models/1", workspace: "lab", reason: "because",
                before: nil, after: PostgresJSON("{\"a\": 1}"), traceID: "t1")
            try await pool.transaction { try await Journal.append(entry, in: $0) }
            try await pool.transaction { try await Journal.append([entry, entry], in: $0) }
            await #expect(throws: Undone.self) {
                try await pool.transaction { transaction in
                    try await Journal.append(entry, in: transaction)
                    throw Undone()
                }
            }
            let records = try await journal.read(after: .start)
            #expect(records.map(\.entry) == [entry, entry, entry])
            let cursor = try #require(records.first?.cursor)
            #expect(JournalCursor(cursor.description) == cursor)
            #expect(try await journal.read(after: cursor).count == 2)
        }
    }

    @Test("what was appended can't be changed, and tampering below the triggers shows")
    func tampering() async throws {
        try await withJournal { pool, journal in
            for number in 0..<20 {
                try await pool.transaction {
                    try await Journal.append(JournalEntry(actor: "a", action: "b", subject: "s\(number)"), in: $0)
                }
                if number % 5 == 4 { try await journal.seal() }
            }
            #expect(try await journal.verify() == [])
            for statement in [
                "UPDATE journal.entries SET actor = 'x'", "DELETE FROM journal.entries", "TRUNCATE journal.entries",
                "UPDATE journal.seals SET count = 1", "DELETE FROM journal.seals",
            ] {
                let error = try await #require(throws: PostgresError.self) {
                    try await pool.execute(PostgresQuery(unsafe: statement))
                }
                #expect(error.code == .insufficientPrivilege)
            }
            // Whoever owns the database can go below the triggers; that is what the chain is for.
            func tamper(_ statement: String) async throws {
                try await pool.transaction { transaction in
                    try await transaction.execute("SET LOCAL session_replication_role = replica")
                    try await transaction.execute(PostgresQuery(unsafe: statement))
                }
            }
            try await tamper("UPDATE journal.entries SET actor = 'x' WHERE subject = 's7'")
            #expect(try await journal.verify().count == 1)
            try await tamper("UPDATE journal.entries SET actor = 'a' WHERE subject = 's7'")
            #expect(try await journal.verify() == [])
            try await tamper("DELETE FROM journal.entries WHERE subject = 's12'")
            #expect(try await journal.verify().map(\.description) == ["seal 3 does not match its entries"])
        }
    }

    @Test("old months are dropped, and what is left still verifies")
    func retention() async throws {
        try await withJournal { pool, journal in
            try await pool.execute(
                """
                CREATE TABLE journal.entries_2001_01 PARTITION OF journal.entries
                FOR VALUES FROM ('2001-01-01Z') TO ('2001-02-01Z')
                """)
            try await pool.execute(
                """
                INSERT INTO journal.entries (at, actor, action, subject)
                SELECT timestamptz '2001-01-10Z' + i * interval '1 second', 'a', 'b', 'c'
                FROM generate_series(1, 10) AS i
                """)
            try await journal.seal()
            try await pool.transaction {
                try await Journal.append(JournalEntry(actor: "a", action: "b", subject: "now"), in: $0)
            }
            #expect(try await journal.retire(keepingMonths: 12) == ["entries_2001_01"])
            #expect(try await journal.verify() == [])
            #expect(try await journal.read(after: .start).map(\.entry.subject) == ["now"])
        }
    }

    @Test("entries of a month without a partition are taken, and move into one as they are when it is made")
    func strays() async throws {
        try await withJournal { pool, journal in
            let partitions = try await pool.query(
                """
                SELECT relname FROM pg_class WHERE relname ~ '^entries_[0-9_]+$' AND relkind = 'r' ORDER BY relname
                """
            ).all(String.self)
            for name in partitions { try await pool.execute("DROP TABLE journal.\(identifier: name)") }
            for subject in ["one", "two", "three"] {
                try await pool.transaction {
                    try await Journal.append(JournalEntry(actor: "a", action: "b", subject: subject), in: $0)
                }
            }
            try await pool.execute(
                """
                INSERT INTO journal.entries (at, actor, action, subject)
                VALUES ('2001-01-10Z', 'a', 'b', 'of old'), ('1970-01-02Z', 'a', 'b', 'never')
                """)
            try await journal.seal(limit: 2)
            let before = try await journal.read(after: .start)
            #expect(before.count == 5)
            let made = try await journal.makePartitions()
            #expect(made == ["entries_2001_01"] + partitions)
            #expect(try await journal.read(after: .start) == before)
            try await journal.seal()
            #expect(try await journal.verify() == [])
            let left = try await pool.query("SELECT subject FROM journal.entries_other").all(String.self)
            #expect(left == ["never"])
            #expect(try await journal.makePartitions() == [])
            // What moved is as protected as the rest.
            for statement in [
                "UPDATE journal.entries SET actor = 'x'", "TRUNCATE journal.entries_2001_01",
                "DELETE FROM journal.entries_other", "DELETE FROM journal.entries_2001_01",
            ] {
                let error = try await #require(throws: PostgresError.self) {
                    try await pool.execute(PostgresQuery(unsafe: statement))
                }
                #expect(error.code == .insufficientPrivilege)
            }
        }
    }

    @Test("fifty writers that stall and roll back: no reader skips a row or sees one twice", arguments: [1, 2, 3])
    func horizon(seed: UInt64) async throws {
        try await withJournal { pool, journal in
            let writers = 50
            let transactions = 40
            let committed = Lock<Set<String>>([])
            let isOver = Lock(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for reader in 0..<3 {
                    group.addTask {
                        var random = SeededGenerator(seed: seed &* 1000 &+ UInt64(reader))
                        var cursor = JournalCursor.start
                        var seen: [String] = []
                        while true {
                            let wasOver = isOver.withLock { $0 }
                            // A reader that is killed knows its cursor's text alone when it starts again.
                            let restarted = try #require(JournalCursor(cursor.description))
                            let page = try await journal.read(after: restarted, limit: Int(random.next() % 200) + 1)
                            seen += page.map(\.entry.subject)
                            cursor = page.last?.cursor ?? cursor
                            if page.isEmpty {
                                if wasOver { break }
                                try await pool.loops[0].sleep(for: .milliseconds(5))
                            }
                        }
                        let all = committed.withLock { $0 }
                        #expect(seen.count == Set(seen).count, "seen twice; seed \(seed)")
                        #expect(Set(seen) == all, "skipped; seed \(seed)")
                    }
                }
                group.addTask {
                    while !isOver.withLock({ $0 }) {
                        try await journal.seal(limit: 500)
                        try await pool.loops[0].sleep(for: .milliseconds(20))
                    }
                }
                group.addTask {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for writer in 0..<writers {
                            group.addTask {
                                var random = SeededGenerator(seed: seed &* 7919 &+ UInt64(writer))
                                for number in 0..<transactions {
                                    let rows = (0..<Int(random.next() % 130 + 1)).map { "\(writer)/\(number)/\($0)" }
                                    let isUndone = random.next() % 5 == 0
                                    let stall = random.next() % 10 == 0 ? Int(random.next() % 150) : 0
                                    do {
                                        try await pool.transaction { transaction in
                                            for half in [rows.prefix(rows.count / 2), rows.dropFirst(rows.count / 2)] {
                                                try await Journal.append(
                                                    half.map { JournalEntry(actor: "w", action: "a", subject: $0) },
                                                    in: transaction)
                                                try await pool.loops[0].sleep(for: .milliseconds(stall))
                                            }
                                            if isUndone { throw Undone() }
                                        }
                                        committed.withLock { $0.formUnion(rows) }
                                    } catch is Undone {}
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    isOver.withLock { $0 = true }
                }
                try await group.waitForAll()
            }
            while try await journal.seal() > 0 {}
            #expect(try await journal.verify() == [])
            let total = committed.withLock { $0.count }
            #expect(total > 90_000)
        }
    }
}
