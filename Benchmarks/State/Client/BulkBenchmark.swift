import Loop
import Postgres

/// Many rows at once: what a bulk insert gains.
enum BulkBenchmark {
    private struct Row: Sendable {
        var id: Int
        var name: String
        var value: Double
        var note: String?
    }

    static func run(_ connection: String, _ mode: String, _ count: Int) async throws {
        let group = try LoopGroup(count: 1)
        try group.start()
        let loop = group.loops[0]
        let pool = PostgresPool(PostgresConfiguration(connection: connection), loops: group.loops)
        try await pool.execute("DROP TABLE IF EXISTS bulk")
        try await pool.execute("CREATE TABLE bulk (id int8 PRIMARY KEY, name text, value float8, note text)")
        let rows = (0..<count).map {
            Row(id: $0, name: "sample \($0)", value: Double($0) / 7, note: $0 % 2 == 0 ? nil : "noted")
        }
        let columns = ["id", "name", "value", "note"]
        let cpu = StateBenchmark.cpuSeconds()
        let start = ContinuousClock.now
        // Where a service's handlers run too: on the loop.
        try await Task(executorPreference: loop) {
            try await pool.transaction { transaction in
                switch mode {
                case "single":
                    for row in rows {
                        try await transaction.execute(
                            "INSERT INTO bulk VALUES (\(row.id), \(row.name), \(row.value), \(row.note))")
                    }
                case "unnest":
                    try await transaction.insert(into: "bulk", columns: columns, rows: rows) {
                        ($0.id, $0.name, $0.value, $0.note)
                    }
                case "copy":
                    try await transaction.copy(into: "bulk", columns: columns, rows: rows) {
                        ($0.id, $0.name, $0.value, $0.note)
                    }
                default: throw PostgresError(.usage, "no mode \(mode)")
                }
            }
        }.value
        let seconds = Double((ContinuousClock.now - start).wholeNanoseconds) / 1e9
        print(Int(Double(count) / seconds), (StateBenchmark.cpuSeconds() - cpu) / Double(count) * 1e6)
        await pool.close()
        group.stop()
    }
}
