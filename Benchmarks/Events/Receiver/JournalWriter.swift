import Journal
import Loop
import Postgres
import ProgramKit

/// Makes things happen.
enum JournalWriter {
    private static let callers = 8

    /// Commits `rate` entries a second, evenly, from eight connections.
    static func write(_ connection: String, rate: Int, seconds: Int) async throws {
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let loop = loops.loops[0]
        var configuration = PostgresConfiguration(connection: connection)
        configuration.pool.connectionsMax = callers
        let pool = PostgresPool(configuration, loops: loops.loops)
        let begin = loop.clock.now.advanced(by: .milliseconds(500))
        let written = try await withThrowingTaskGroup(of: [(Int64, Int64)].self) { group in
            for caller in 0..<callers {
                group.addTask(executorPreference: loop) {
                    var written: [(Int64, Int64)] = []
                    for number in stride(from: caller, to: rate * seconds, by: callers) {
                        let due = begin.advanced(by: .microseconds(number * 1_000_000 / rate))
                        let pause = loop.clock.now.duration(to: due)
                        if pause > .zero { try await loop.sleep(for: pause) }
                        let ids = try await pool.query(
                            """
                            INSERT INTO journal.entries (actor, action, subject, workspace, after)
                            VALUES ('person:ada', 'model.alias-set', \("models/churn-\(number % 100)@champion"), 'default',
                                \(PostgresJSON("{\"version\":\(number)}"))) RETURNING id
                            """
                        ).all(Int64.self)
                        for id in ids { written.append((id, BenchEvents.now())) }
                    }
                    return written
                }
            }
            var all: [(Int64, Int64)] = []
            for try await part in group { all += part }
            return all
        }
        Program.say(written.map { "\($0.0) \($0.1)" }.joined(separator: "\n"))
        await pool.close()
        loops.stop()
    }
}
