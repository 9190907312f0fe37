import Activities
import Glibc
import Journal
import Loop
import Postgres

/// What the test asks for between its kills. One line each, one answer each:
///
///     start KIND STEPS    started
///     live                how many have not ended
///     time COUNT          how long each of so many without steps takes, from its start to the news of its end
///     verify              findings, one on each line, then "verified ACTIVITIES EFFECTS TAKEN-OVER FAILED"
///     stop                ends the database as well
extension ActivityWorkerProgram {
    static func control(_ folder: String) async throws {
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let cluster = try await cluster(folder)
        let database = PostgresConfiguration(connection: cluster.connectionString)
        try await Journal.prepare(database, on: loops.loops[0])
        try await Activities.prepare(database, on: loops.loops[0])
        let pool = pool(cluster.connectionString, loops)
        // No key: a step that is made twice shows.
        try await pool.execute(
            """
            CREATE TABLE IF NOT EXISTS effects (
                activity uuid, step int, fence bigint, worker text, number bigint GENERATED ALWAYS AS IDENTITY)
            """)
        let activities = Activities(pool, loop: loops.loops[0])
        say("ready")
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "start" where words.count == 3:
                var request = ActivityRequest(
                    kind: words[1], subject: "steps/\(words[2])", workspace: "test", actor: "test")
                request.input = PostgresJSON(words[2])
                request.attemptsMax = 100_000
                _ = try await activities.start(request)
                say("started")
            case "live":
                let count = try await pool.query(
                    "SELECT count(*) FROM activities.activities WHERE finished_at IS NULL"
                ).all(Int64.self)
                say("\(count.first ?? 0)")
            case "time" where words.count == 2: say(try await time(Int(words[1]) ?? 1, activities))
            case "verify": try await verify(pool)
            case "stop":
                await pool.close()
                try await cluster.stop()
                say("stopped")
                return
            default: say("unknown: \(line)")
            }
        }
    }

    private static func time(_ count: Int, _ activities: Activities) async throws -> String {
        let listening = Task { try await activities.run() }
        defer { listening.cancel() }
        var times: [Duration] = []
        for _ in 0..<max(1, count) {
            let began = ContinuousClock.now
            let activity = try await activities.start(
                ActivityRequest(kind: "fragile", subject: "steps/0", workspace: "time", actor: "test"))
            _ = try await activities.wait(activity.id)
            times.append(began.duration(to: .now))
        }
        times.sort()
        return "median \(times[times.count / 2]), 99 % \(times[times.count * 99 / 100])"
    }

    private static func verify(_ pool: PostgresPool) async throws {
        for (name, query) in findings {
            for text in try await pool.query(query).all(String.self) { say("\(name): \(text)") }
        }
        let journal = Journal(pool)
        while try await journal.seal() > 0 {}
        for finding in try await journal.verify() { say("journal: \(finding)") }
        let (count, resumed, failed) = try await pool.query(
            """
            SELECT count(*), count(*) FILTER (WHERE attempts > 1), count(*) FILTER (WHERE state = 'failed')
            FROM activities.activities
            """
        ).all((Int64, Int64, Int64).self)[0]
        let effects = try await pool.query("SELECT count(*) FROM effects").all(Int64.self)
        say("verified \(count) \(effects.first ?? 0) \(resumed) \(failed)")
    }

    /// Each returns one text for each thing that is wrong.
    private static let findings: [(String, PostgresQuery)] = [
        ("not ended", "SELECT id || ' ' || state FROM activities.activities WHERE finished_at IS NULL"),
        (
            "resumable and not succeeded",
            """
            SELECT id || ' ' || state || coalesce(' ' || error_code, '') FROM activities.activities
            WHERE kind = 'resumable' AND state <> 'succeeded'
            """
        ),
        (
            "fragile and neither succeeded nor cleanly failed",
            """
            SELECT id || ' ' || state || ' ' || coalesce(error_code, '') FROM activities.activities
            WHERE kind = 'fragile' AND state <> 'succeeded'
                AND NOT (state = 'failed' AND error_code IN ('process_died', 'process_stopped', 'database_trouble'))
            """
        ),
        ("step made twice", "SELECT activity || ' ' || step FROM effects GROUP BY activity, step HAVING count(*) > 1"),
        (
            "steps missing",
            """
            SELECT a.id || ' ' || count(e.step) || ' of ' || (a.input::text)::int FROM activities.activities AS a
            LEFT JOIN effects AS e ON e.activity = a.id WHERE a.state = 'succeeded'
            GROUP BY a.id HAVING count(DISTINCT e.step) <> (a.input::text)::int
            """
        ),
        (
            "steps of a failed one with a hole",
            """
            SELECT a.id::text FROM activities.activities AS a JOIN effects AS e ON e.activity = a.id
            WHERE a.state = 'failed' GROUP BY a.id HAVING max(e.step) + 1 <> count(*)
            """
        ),
        (
            "an old holder's step after a new one's",
            """
            SELECT activity || ' ' || step FROM (
                SELECT activity, step, fence, max(fence) OVER (PARTITION BY activity ORDER BY number) AS newest
                FROM effects) AS e
            WHERE fence < newest
            """
        ),
        (
            "log lines missing",
            """
            SELECT a.id::text FROM activities.activities AS a
            WHERE a.state = 'succeeded' AND a.kind = 'fragile'
                AND (SELECT count(*) FROM activities.log AS l WHERE l.activity = a.id) <> (a.input::text)::int
            """
        ),
        (
            "not one start and one finish in the journal",
            """
            SELECT a.id::text FROM activities.activities AS a
            LEFT JOIN journal.entries AS j ON j.subject = 'activities/' || a.id
            GROUP BY a.id, a.attempts
            HAVING count(*) FILTER (WHERE j.action = 'activity.start') <> 1
                OR count(*) FILTER (WHERE j.action = 'activity.finish') <> 1
                OR count(*) FILTER (WHERE j.action = 'activity.run')
                    - count(*) FILTER (WHERE j.action = 'activity.hand-back') <> a.attempts
            """
        ),
        ("leases left", "SELECT kind || ' ' || name FROM leases.leases WHERE kind LIKE 'activity:%'"),
    ]
}
