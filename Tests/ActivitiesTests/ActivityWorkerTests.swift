import Journal
import Leases
import Loop
import Postgres
import Testing

@testable import Activities

@Suite("workers")
struct ActivityWorkerTests {
    private let loop = TestDatabase.loops.loops[1]

    private func isRunning(_ id: PostgresUUID, _ activities: Activities) async throws {
        try await activities.follow(id) { $0.state != .running }
    }

    @Test("what waits is cancelled at once; what runs hears of it through its task; what ended stays")
    func cancel() async throws {
        try await TestDatabase.withPool { pool in
            let handler = ClosureHandler("cancelled", isResumable: true) { _ in
                try await sleepUntilCancelled()
                return nil
            }
            try await withWorker(pool, [handler]) { worker in
                let activities = worker.activities
                let waiting = try await activities.start(request("nobody runs this"))
                #expect(try await activities.cancel(waiting.id, actor: "eve").state == .cancelled)
                let running = try await activities.start(request("cancelled"))
                try await isRunning(running.id, activities)
                #expect(try await activities.cancel(running.id, actor: "eve", reason: "enough").state == .cancelling)
                let ended = try await activities.wait(running.id)
                #expect(ended.state == .cancelled && ended.cancelledBy == "eve" && ended.failure == nil)
                #expect(try await activities.cancel(running.id, actor: "bob").cancelledBy == "eve")
                let trail = try await pool.query(
                    """
                    SELECT action, actor, coalesce(reason, '') FROM journal.entries
                    WHERE subject = \("activities/\(running.id)") ORDER BY id
                    """
                ).all((String, String, String).self)
                #expect(
                    trail.map { "\($0.0) \($0.1)" } == [
                        "activity.start ada", "activity.run worker", "activity.cancel eve", "activity.finish worker",
                    ])
                #expect(trail.count == 4 && trail[2].2 == "enough")
            }
        }
    }

    @Test("a wish to cancel that no notification told of is found with the heartbeat")
    func heartbeat() async throws {
        try await TestDatabase.withPool { pool in
            let handler = ClosureHandler("deaf", isResumable: true) { _ in
                try await sleepUntilCancelled()
                return nil
            }
            let change: (inout ActivityWorker.Configuration) -> Void = { $0.leaseDuration = .seconds(3) }
            try await withWorker(pool, [handler], change) { worker in
                let activity = try await worker.activities.start(request("deaf"))
                try await isRunning(activity.id, worker.activities)
                try await pool.transaction { transaction in
                    try await transaction.execute("SET LOCAL session_replication_role = replica")
                    try await transaction.execute(
                        "UPDATE activities.activities SET state = 'cancelling' WHERE id = \(activity.id)")
                }
                #expect(try await worker.activities.wait(activity.id).state == .cancelled)
            }
        }
    }

    @Test("a handler's own failure is told in its words, any other by type alone")
    func failure() async throws {
        struct SecretError: Error { var password = "hunter2" }
        try await TestDatabase.withPool { pool in
            let handlers: [any ActivityHandler] = [
                ClosureHandler("fails", isResumable: true) { _ in throw ActivityFailure(code: "no_luck", "none") },
                ClosureHandler("leaks", isResumable: true) { _ in throw SecretError() },
            ]
            try await withWorker(pool, handlers) { worker in
                let one = try await worker.activities.wait(worker.activities.start(request("fails")).id)
                #expect(one.state == .failed && one.failure == ActivityFailure(code: "no_luck", "none"))
                let other = try await worker.activities.wait(worker.activities.start(request("leaks")).id)
                #expect(other.failure?.code == "handler_failed")
                #expect(other.failure?.message.contains("hunter2") == false)
            }
        }
    }

    @Test("trouble is tried again from the checkpoint, as often as allowed")
    func retry() async throws {
        try await TestDatabase.withPool { pool in
            let handlers: [any ActivityHandler] = [
                ClosureHandler("troubled", isResumable: true) { context in
                    let count = Int(context.checkpoint?.text ?? "0") ?? 0
                    if count == 2 { return PostgresJSON("\(count)") }
                    try await context.save(PostgresJSON("\(count + 1)"))
                    throw ActivityRetry(after: .zero, "not yet")
                },
                ClosureHandler("hopeless", isResumable: true) { _ in throw ActivityRetry(after: .zero, "never") },
            ]
            try await withWorker(pool, handlers) { worker in
                let fine = try await worker.activities.wait(worker.activities.start(request("troubled")).id)
                #expect(fine.state == .succeeded && fine.attempts == 3 && fine.result?.text == "2")
                var wanted = request("hopeless")
                wanted.attemptsMax = 4
                let lost = try await worker.activities.wait(worker.activities.start(wanted).id)
                #expect(lost.state == .failed && lost.attempts == 4 && lost.failure?.code == "attempts_exhausted")
            }
        }
    }

    @Test("what a dead process left is taken over: resumed where it can be, failed cleanly where not")
    func death() async throws {
        try await TestDatabase.withPool { pool in
            let activities = Activities(pool, loop: loop)
            // A process that claimed, began and died.
            let dead = ActivityWorker(activities, name: "dead", handlers: [])
            func left(_ kind: String) async throws -> PostgresUUID {
                let activity = try await activities.start(request(kind))
                let lease = try #require(
                    try await dead.leases.claimNext([activity.leaseKind], for: .milliseconds(1)).leases.first)
                try await pool.execute(
                    """
                    UPDATE activities.activities SET state = 'running', attempts = 1, fence = \(lease.fence),
                        checkpoint = '7' WHERE id = \(activity.id)
                    """)
                return activity.id
            }
            let (first, second) = (try await left("resumed"), try await left("unresumed"))
            let handlers: [any ActivityHandler] = [
                ClosureHandler("resumed", isResumable: true) { $0.checkpoint },
                ClosureHandler("unresumed", isResumable: false) { _ in PostgresJSON("1") },
            ]
            try await withWorker(pool, handlers) { worker in
                let resumed = try await worker.activities.wait(first)
                #expect(resumed.state == .succeeded && resumed.result?.text == "7" && resumed.attempts == 2)
                let failed = try await worker.activities.wait(second)
                #expect(failed.state == .failed && failed.failure?.code == "process_died")
                #expect(failed.failure?.message == "the process that ran it died")
            }
        }
    }

    @Test("a stop in order hands resumable work to others at once and lets the rest end")
    func handBack() async throws {
        try await TestDatabase.withPool { pool in
            let bell = PostgresBell()
            let isSecond = Lock(false)
            let handlers: [any ActivityHandler] = [
                ClosureHandler("handed", isResumable: true) { context in
                    if isSecond.withLock({ $0 }) { return context.checkpoint }
                    try await context.save(PostgresJSON("\"kept\""))
                    try await sleepUntilCancelled()
                    return nil
                },
                ClosureHandler("finished", isResumable: false) { context in
                    try await bell.wait(upTo: .seconds(600), on: TestDatabase.loops.loops[1])
                    return nil
                },
            ]
            let first = TestWorker(pool, handlers, name: "first") { $0.leaseDuration = .seconds(3600) }
            let resumable = try await first.activities.start(request("handed"))
            let fragile = try await first.activities.start(request("finished"))
            try await first.activities.follow(resumable.id) { $0.checkpoint == nil }
            try await isRunning(fragile.id, first.activities)
            isSecond.withLock { $0 = true }
            let stopping = Task { try await first.stop() }
            // The lease would last an hour: the second worker gets it because it is given back.
            let second = TestWorker(pool, handlers, name: "second")
            let ended = try await second.activities.wait(resumable.id)
            #expect(ended.state == .succeeded && ended.result?.text == "\"kept\"" && ended.worker == "second")
            #expect(ended.attempts == 1)
            bell.ring()
            #expect(try await second.activities.wait(fragile.id).state == .succeeded)
            try await stopping.value
            try await second.stop()
        }
    }

    @Test("a worker that is cancelled fails what can't be resumed, and says why")
    func cancelledWorker() async throws {
        try await TestDatabase.withPool { pool in
            let handler = ClosureHandler("cut off", isResumable: false) { _ in
                try await sleepUntilCancelled()
                return nil
            }
            let worker = TestWorker(pool, [handler]) { $0.leaseDuration = .seconds(3600) }
            let activity = try await worker.activities.start(request("cut off"))
            try await isRunning(activity.id, worker.activities)
            await worker.cancel()
            let ended = try await worker.activities.get(activity.id)
            #expect(ended.state == .failed && ended.failure?.code == "process_stopped")
        }
    }

    @Test("a worker whose lease was taken can neither write a step nor an end")
    func fencing() async throws {
        try await TestDatabase.withPool { pool in
            let outcome = Lock<String?>(nil)
            let bell = PostgresBell()
            let handler = ClosureHandler("fenced", isResumable: true) { context in
                try await pool.expire(context.lease)
                let thief = Leases(pool, holder: "thief", loop: TestDatabase.loops.loops[1])
                _ = try await thief.claim(context.lease.kind, context.lease.name, for: .seconds(3600))
                do { try await context.save(PostgresJSON("1")) } catch { outcome.withLock { $0 = "\(error)" } }
                bell.ring()
                return PostgresJSON("\"stolen\"")
            }
            try await withWorker(pool, [handler]) { worker in
                let activity = try await worker.activities.start(request("fenced"))
                try await bell.wait(upTo: .seconds(600), on: loop)
                #expect(outcome.withLock { $0 }?.contains("is not held any more") == true)
                await worker.cancel()
                let now = try await worker.activities.get(activity.id)
                #expect(now.state == .running && now.result == nil && now.checkpoint == nil)
            }
        }
    }

    @Test("three workers share sixty activities: each runs once, no more at a time than allowed")
    func sharing() async throws {
        try await TestDatabase.withPool { pool in
            struct Counts {
                var total = 0
                var now: [String: Int] = [:]
                var most = 0
            }
            let counts = Lock(Counts())
            func handler(_ name: String) -> ClosureHandler {
                ClosureHandler("shared", isResumable: true) { _ in
                    counts.withLock {
                        $0.total += 1
                        $0.now[name, default: 0] += 1
                        $0.most = max($0.most, $0.now[name] ?? 0)
                    }
                    try await TestDatabase.loops.loops[1].sleep(for: .milliseconds(5))
                    counts.withLock { $0.now[name, default: 0] -= 1 }
                    return nil
                }
            }
            let workers = (0..<3).map { number in
                TestWorker(pool, [handler("\(number)")], name: "\(number)") { $0.concurrency = 3 }
            }
            let activities = workers[0].activities
            var ids: [PostgresUUID] = []
            for _ in 0..<60 { ids.append(try await activities.start(request("shared")).id) }
            for id in ids { #expect(try await activities.wait(id).attempts == 1) }
            #expect(counts.withLock { $0.total } == 60)
            #expect(counts.withLock { $0.most } <= 3)
            for worker in workers { try await worker.stop() }
        }
    }

    @Test("an idle worker hears of new work at once, also after its connection was cut")
    func wakeUp() async throws {
        try await TestDatabase.withOwnCluster(named: "wake") { cluster in
            try await TestDatabase.withPool(cluster) { pool in
                let handler = ClosureHandler("heard", isResumable: true) { _ in nil }
                try await withWorker(pool, [handler], { $0.backstop = .seconds(3600) }) { worker in
                    for _ in 0..<5 {
                        let activity = try await worker.activities.start(request("heard"))
                        #expect(try await worker.activities.wait(activity.id).state == .succeeded)
                        try await pool.execute(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
                    }
                }
            }
        }
    }

    @Test("a restart of the database in the middle of an activity: it comes to its end, each step once")
    func restart() async throws {
        try await TestDatabase.withOwnCluster(named: "restart") { cluster in
            try await TestDatabase.withPool(cluster) { pool in
                try await pool.execute("CREATE TABLE effects (step int)")
                let handler = ClosureHandler("restarted", isResumable: true) { context in
                    let first = Int(context.checkpoint?.text ?? "0") ?? 0
                    for step in first..<40 {
                        await context.log("step \(step)")
                        try await context.transaction { transaction in
                            try await transaction.execute("INSERT INTO effects VALUES (\(step))")
                            try await context.save(PostgresJSON("\(step + 1)"), in: transaction)
                        }
                        try await TestDatabase.loops.loops[1].sleep(for: .milliseconds(10))
                    }
                    return nil
                }
                let change: (inout ActivityWorker.Configuration) -> Void = { $0.leaseDuration = .seconds(5) }
                try await withWorker(pool, [handler], change) { worker in
                    let activity = try await worker.activities.start(request("restarted"))
                    try await worker.activities.follow(activity.id) { ($0.checkpoint?.text ?? "0") == "0" }
                    try await cluster.restart()
                    let ended = try await worker.activities.wait(activity.id)
                    #expect(ended.state == .succeeded, "\(ended)")
                    let steps = try await pool.query("SELECT step FROM effects ORDER BY step").all(Int.self)
                    #expect(steps == Array(0..<40))
                    #expect(try await Journal(pool).verify() == [])
                }
            }
        }
    }
}
