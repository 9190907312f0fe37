import Journal
import Loop
import Postgres
import Testing

@testable import Activities

@Suite("activities")
struct ActivitiesTests {
    private func actions(_ activity: Activity, _ pool: PostgresPool) async throws -> [String] {
        try await pool.query(
            "SELECT action FROM journal.entries WHERE subject = \("activities/\(activity.id)") ORDER BY id"
        ).all(String.self)
    }

    @Test("an activity runs to its end with progress, a log and a result, and the journal tells of it")
    func success() async throws {
        try await TestDatabase.withPool { pool in
            let handler = ClosureHandler("success", isResumable: false) { context in
                context.report(fraction: 0.5, step: "half", message: "way")
                await context.log("one\ntwo")
                await context.log("three")
                return PostgresJSON("{\"input\": \(context.activity.input?.text ?? "none")}")
            }
            try await withWorker(pool, [handler]) { worker in
                var wanted = request("success")
                wanted.input = PostgresJSON("[1, 2]")
                let started = try await worker.activities.start(wanted)
                #expect(started.state == .pending && started.input?.text == "[1, 2]")
                let ended = try await worker.activities.wait(started.id)
                #expect(ended.state == .succeeded && ended.result?.text == "{\"input\": [1, 2]}")
                #expect(ended.progress == ActivityProgress(fraction: 1, step: "half", message: "way"))
                #expect(ended.attempts == 1 && ended.logLines == 3 && ended.failure == nil)
                #expect(ended.finishedAt ?? .distantPast >= ended.startedAt ?? .distantFuture)
                let lines = try await worker.activities.log(started.id)
                #expect(lines.map(\.text) == ["one", "two", "three"] && lines.map(\.number) == [1, 2, 3])
                #expect(try await worker.activities.log(started.id, from: 3).map(\.text) == ["three"])
                #expect(
                    try await actions(started, pool) == ["activity.start", "activity.run", "activity.finish"])
                #expect(try await pool.read("SELECT 1 FROM leases.leases WHERE name = \("\(started.id)")").isEmpty)
            }
        }
    }

    @Test("an activity exists if and only if its transaction commits")
    func rollback() async throws {
        struct Undone: Error {}
        try await TestDatabase.withPool { pool in
            let id = Lock<PostgresUUID?>(nil)
            await #expect(throws: Undone.self) {
                try await pool.transaction { transaction in
                    let activity = try await Activities.start(request("undone"), in: transaction)
                    id.withLock { $0 = activity.id }
                    throw Undone()
                }
            }
            let gone = try #require(id.withLock { $0 })
            await #expect(throws: ActivityError.notFound(gone)) {
                try await Activities(pool, loop: TestDatabase.loops.loops[1]).get(gone)
            }
        }
    }

    @Test("the same key gives the same activity, also to twenty that ask at once")
    func idempotency() async throws {
        try await TestDatabase.withPool { pool in
            let activities = Activities(pool, loop: TestDatabase.loops.loops[1])
            let ids = try await withThrowingTaskGroup(of: PostgresUUID.self) { group in
                for _ in 0..<20 { group.addTask { try await activities.start(request("keyed", key: "k")).id } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await activities.start(request("keyed", workspace: "other", key: "k")).id != ids.first)
            #expect(try await activities.start(request("keyed", key: "l")).id != ids.first)
        }
    }

    @Test("what is too large or empty is refused by name")
    func limits() async throws {
        try await TestDatabase.withPool { pool in
            let activities = Activities(pool, loop: TestDatabase.loops.loops[1])
            func refused(_ change: (inout ActivityRequest) -> Void) async -> String? {
                var wanted = request("limits")
                change(&wanted)
                do { _ = try await activities.start(wanted) } catch ActivityError.invalid(let field, _) {
                    return field
                } catch {}
                return nil
            }
            #expect(await refused { $0.kind = "" } == "kind")
            #expect(await refused { $0.subject = String(repeating: "x", count: 513) } == "subject")
            #expect(await refused { $0.key = "a\0b" } == "key")
            #expect(await refused { $0.attemptsMax = 0 } == "attempts_max")
            let large = PostgresJSON("\"" + String(repeating: "x", count: ActivityRequest.documentBytesMax) + "\"")
            #expect(await refused { $0.input = large } == "input")
        }
    }

    @Test("lists come the newest first, by filter and page by page, and other workspaces stay unseen")
    func list() async throws {
        try await TestDatabase.withPool { pool in
            let activities = Activities(pool, loop: TestDatabase.loops.loops[1])
            var ids: [PostgresUUID] = []
            for number in 0..<7 {
                let wanted = request(number % 2 == 0 ? "even" : "odd", subject: "s/\(number / 4)", workspace: "lists")
                ids.append(try await activities.start(wanted).id)
            }
            _ = try await activities.start(request("even", workspace: "elsewhere"))
            var filter = ActivityFilter(workspace: "lists")
            var seen: [PostgresUUID] = []
            var cursor: ActivityCursor?
            repeat {
                let page = try await activities.list(filter, after: cursor, limit: 3)
                seen += page.activities.map(\.id)
                cursor = page.next.flatMap { ActivityCursor($0.description) }
            } while cursor != nil
            #expect(seen == ids.reversed())
            filter.kind = "even"
            filter.subject = "s/1"
            #expect(try await activities.list(filter).activities.map(\.id) == [ids[6], ids[4]])
            _ = try await activities.cancel(ids[4], actor: "eve")
            filter.state = .cancelled
            #expect(try await activities.list(filter).activities.map(\.id) == [ids[4]])
            let hidden = ActivityError.notFound(ids[0])
            await #expect(throws: hidden) { try await activities.get(ids[0], workspace: "elsewhere") }
            await #expect(throws: hidden) { try await activities.cancel(ids[0], workspace: "elsewhere", actor: "e") }
        }
    }

    @Test("old activities are pruned with their logs; what has not ended stays")
    func prune() async throws {
        try await TestDatabase.withPool { pool in
            let handler = ClosureHandler("pruned", isResumable: false) { context in
                await context.log("line")
                return nil
            }
            try await withWorker(pool, [handler]) { worker in
                let old = try await worker.activities.start(request("pruned"))
                _ = try await worker.activities.wait(old.id)
                let waiting = try await worker.activities.start(request("never run"))
                #expect(try await worker.activities.prune(olderThan: .seconds(3600)) == 0)
                try await pool.execute(
                    """
                    UPDATE activities.activities SET finished_at = finished_at - interval '2 hours'
                    WHERE id = \(old.id)
                    """)
                #expect(try await worker.activities.prune(olderThan: .seconds(3600)) == 1)
                await #expect(throws: ActivityError.notFound(old.id)) { try await worker.activities.get(old.id) }
                #expect(try await worker.activities.log(old.id).isEmpty)
                #expect(try await worker.activities.get(waiting.id).state == .pending)
            }
        }
    }

    @Test("a reader follows a log from a line on to the activity's end, and each line comes once")
    func follow() async throws {
        try await TestDatabase.withPool { pool in
            let bell = PostgresBell()
            let handler = ClosureHandler("told", isResumable: false) { context in
                for number in 1...500 {
                    await context.log("line \(number)")
                    if number == 100 {
                        try await bell.wait(upTo: .seconds(600), on: TestDatabase.loops.loops[1])
                    }
                }
                return nil
            }
            try await withWorker(pool, [handler]) { worker in
                let started = try await worker.activities.start(request("told"))
                var seen: [ActivityLogLine] = []
                try await worker.activities.followLog(started.id, from: 50) { lines in
                    seen += lines
                    if seen.last?.number == 100 { bell.ring() }
                    return true
                }
                #expect(seen.map(\.number) == Array(50...500))
                #expect(seen.first?.text == "line 50" && seen.last?.text == "line 500")
            }
        }
    }

    @Test("a log keeps its newest lines, each no longer than a line may be")
    func bounds() async throws {
        try await TestDatabase.withPool { pool in
            let count = Int(Activities.logLinesMax) + 1500
            let handler = ClosureHandler("talkative", isResumable: false) { context in
                for number in 1..<count { await context.log("\(number)") }
                await context.log(String(repeating: "x", count: 100_000))
                return nil
            }
            try await withWorker(pool, [handler]) { worker in
                let ended = try await worker.activities.wait(worker.activities.start(request("talkative")).id)
                #expect(ended.logLines == Int64(count))
                let (kept, longest, first) = try await pool.read(
                    """
                    SELECT count(*), max(octet_length(text))::int8, min(number) FROM activities.log
                    WHERE activity = \(ended.id)
                    """
                ).all((Int64, Int64, Int64).self)[0]
                #expect(kept == Activities.logLinesMax && first == 1501)
                #expect(longest == Activities.logLineBytesMax)
            }
        }
    }
}
