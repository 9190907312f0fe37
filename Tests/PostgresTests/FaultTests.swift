import Glibc
import Loop
import Testing

@testable import Postgres

/// Each with a cluster of its own, one after the other: they stop and kill it.
@Suite(.serialized) struct FaultTests {
    @Test("twenty restarts under load lose no confirmed write, and no call outlives its deadline")
    func restarts() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        let deadline = Duration.seconds(10)
        try await TestDatabase.withPool(on: cluster) {
            $0.queryTimeout = deadline
        } _: { pool in
            try await pool.execute("CREATE TABLE writes (id int8 PRIMARY KEY)")
            let isOver = Counter()
            let ledger = Ledger()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<6 {
                    group.addTask {
                        var next = writer
                        while isOver.value == 0 {
                            defer { next += 6 }
                            try await write(next, pool, ledger, inTransaction: writer % 2 == 0, deadline)
                        }
                    }
                }
                for _ in 0..<2 {
                    group.addTask {
                        while isOver.value == 0 {
                            let started = ContinuousClock.now
                            let read = try await pool.read("SELECT \(7)").all(Int.self)
                            #expect(read == [7])
                            #expect(ContinuousClock.now - started < deadline + .seconds(3))
                        }
                    }
                }
                for _ in 0..<20 {
                    let before = ledger.confirmed
                    try await cluster.restart()
                    // The load goes on before the next restart, so that each one hits it.
                    while ledger.confirmed < before + 20 { try await pool.loops[0].sleep(for: .milliseconds(2)) }
                }
                isOver.add()
                try await group.waitForAll()
            }
            let found = Set(try await pool.query("SELECT id FROM writes").all(Int.self))
            let (confirmed, refused, unknown) = ledger.all
            #expect(confirmed.subtracting(found).isEmpty, "confirmed and lost")
            #expect(refused.intersection(found).isEmpty, "refused and there")
            #expect(found.subtracting(confirmed).subtracting(unknown).isEmpty)
            #expect(confirmed.count > 400)
        }
    }

    private func write(
        _ id: Int, _ pool: PostgresPool, _ ledger: Ledger, inTransaction: Bool, _ deadline: Duration
    ) async throws {
        let started = ContinuousClock.now
        do {
            if inTransaction {
                try await pool.transaction { transaction in
                    try await transaction.execute("INSERT INTO writes VALUES (\(id))")
                    _ = try await transaction.query("SELECT count(*) FROM writes WHERE id = \(id)")
                }
            } else {
                try await pool.execute("INSERT INTO writes VALUES (\(id))")
            }
            ledger.note(id, .confirmed)
        } catch let error as PostgresError {
            switch error.kind {
            case .outcomeUnknown: ledger.note(id, .unknown)
            case .server where error.code != .uniqueViolation, .connection, .deadlineExceeded:
                ledger.note(id, .refused)
            default: throw error
            }
        }
        #expect(ContinuousClock.now - started < deadline + .seconds(5))
    }

    @Test("a server that stands still fails calls at their deadline, and serves again when it goes on")
    func stopped() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        try await TestDatabase.withPool(on: cluster) {
            $0.cancelGrace = .milliseconds(200)
            $0.connectTimeout = .milliseconds(500)
        } _: { pool in
            try await pool.execute("CREATE TABLE still (id int)")
            let backends = try await pool.query("SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL").all(
                Int32.self)
            let processes = backends + [try #require(cluster.processID)]
            for process in processes { kill(process, SIGSTOP) }
            let started = ContinuousClock.now
            let write = try await #require(throws: PostgresError.self) {
                try await pool.execute("INSERT INTO still VALUES (1)", timeout: .milliseconds(300))
            }
            #expect(write.kind == .outcomeUnknown)
            let read = try await #require(throws: PostgresError.self) {
                try await pool.read("SELECT 1", timeout: .milliseconds(300))
            }
            #expect(read.kind == .deadlineExceeded || read.kind == .connection)
            #expect(ContinuousClock.now - started < .seconds(5))
            for process in processes { kill(process, SIGCONT) }
            #expect(try await pool.query("SELECT 1::int8").all(Int.self) == [1])
        }
    }

    @Test("notifications go on after a restart, and the gap is told of")
    func listening() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        try await TestDatabase.withPool(on: cluster) { pool in
            var events = pool.notifications("news", "Other \"one").makeAsyncIterator()
            #expect(try await events.next() == .gap)
            try await pool.execute("SELECT pg_notify('news', 'first')")
            guard case .notification(let first)? = try await events.next() else {
                Issue.record("no notification")
                return
            }
            #expect(first.channel == "news" && first.payload == "first")
            try await cluster.restart()
            #expect(try await events.next() == .gap)
            try await pool.execute("SELECT pg_notify(\("Other \"one"), 'second')")
            guard case .notification(let second)? = try await events.next() else {
                Issue.record("no notification")
                return
            }
            #expect(second.payload == "second")
        }
    }

    @Test("a listener that is cancelled ends")
    func cancelledListener() async throws {
        try await TestDatabase.withPool { pool in
            let listening = Counter()
            let task = Task {
                for try await _ in pool.notifications("nobody") { listening.add() }
            }
            while listening.value == 0 { await Task.yield() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test("a backend that is terminated in a transaction makes it run again")
    func terminated() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        try await TestDatabase.withPool(on: cluster) { pool in
            try await pool.execute("CREATE TABLE terminated (id int)")
            let runs = Counter()
            try await pool.transaction { transaction in
                runs.add()
                try await transaction.execute("INSERT INTO terminated VALUES (1)")
                if runs.value == 1 {
                    let pid = try await transaction.query("SELECT pg_backend_pid()").all(Int32.self)[0]
                    try await pool.execute("SELECT pg_terminate_backend(\(pid), 5000)")
                }
                try await transaction.execute("INSERT INTO terminated VALUES (2)")
            }
            #expect(runs.value == 2)
            #expect(try await pool.query("SELECT id FROM terminated").count == 2)
        }
    }
}

/// What the writers were told.
private final class Ledger: Sendable {
    enum Outcome { case confirmed, refused, unknown }
    private let outcomes = Lock<[Outcome: Set<Int>]>([:])
    func note(_ id: Int, _ outcome: Outcome) { outcomes.withLock { _ = $0[outcome, default: []].insert(id) } }
    var confirmed: Int { outcomes.withLock { $0[.confirmed]?.count ?? 0 } }
    var all: (confirmed: Set<Int>, refused: Set<Int>, unknown: Set<Int>) {
        outcomes.withLock { ($0[.confirmed] ?? [], $0[.refused] ?? [], $0[.unknown] ?? []) }
    }
}
