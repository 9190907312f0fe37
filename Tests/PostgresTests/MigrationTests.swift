import Glibc
import Loop
import Testing

@testable import Postgres

@Suite struct MigrationTests {
    private let first = (
        name: "0001_models", sql: "CREATE TABLE models (id int PRIMARY KEY);\nINSERT INTO models VALUES (1);"
    )
    private let second = (name: "0002_names", sql: "ALTER TABLE models ADD COLUMN name text;")
    private let index = (
        name: "0003_index",
        sql: """
        -- slipway: no transaction
        DROP INDEX CONCURRENTLY IF EXISTS by_name;
        -- slipway: next
        CREATE INDEX CONCURRENTLY by_name ON models (name);
        """
    )
    private var loop: EventLoop { TestDatabase.loops.loops[0] }

    private func configuration() async throws -> PostgresConfiguration {
        TestDatabase.configuration(try await TestDatabase.cluster())
    }

    @Test("a dry run prints what would be applied and changes nothing; applying twice applies once")
    func planAndApply() async throws {
        let configuration = try await configuration()
        let migrations = try PostgresMigrations(schema: "plan and apply", [second, first, index])
        let plan = try await migrations.plan(configuration, on: loop)
        #expect(plan.pending.map(\.name) == ["0001_models", "0002_names", "0003_index"])
        #expect("\(plan)".contains("CREATE TABLE models") && "\(plan)".contains("without a transaction"))
        #expect(try await migrations.plan(configuration, on: loop).pending.count == 3)
        #expect(try await migrations.apply(configuration, on: loop).pending.count == 3)
        #expect(try await migrations.apply(configuration, on: loop).pending.isEmpty)
        try await TestDatabase.withPool { pool in
            let valid = try await pool.query(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = '\"plan and apply\".by_name'::regclass")
            #expect(try valid.all(Bool.self) == [true])
        }
    }

    @Test("ten instances that start at once apply each step once")
    func concurrent() async throws {
        let configuration = try await configuration()
        let migrations = try PostgresMigrations(schema: "concurrent", [first, second, index])
        let applied = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<10 {
                group.addTask { [loop] in try await migrations.apply(configuration, on: loop).pending.count }
            }
            return try await group.reduce(0, +)
        }
        #expect(applied == 3)
    }

    @Test("a step that fails leaves nothing behind, and names itself")
    func failure() async throws {
        let configuration = try await configuration()
        let broken = (name: "0002_broken", sql: "INSERT INTO models VALUES (2); SELECT 1 / 0;")
        let migrations = try PostgresMigrations(schema: "failing", [first, broken])
        let error = try await #require(throws: PostgresError.self) {
            try await migrations.apply(configuration, on: loop)
        }
        #expect(error.code == .divisionByZero && error.message.contains("0002_broken"))
        try await TestDatabase.withPool { pool in
            let left = try await pool.query("SELECT id::int8 FROM failing.models").all(Int.self)
            #expect(left == [1])
        }
        #expect(try await migrations.plan(configuration, on: loop).pending.map(\.number) == [2])
    }

    @Test("a database that is newer than the program is refused, unless the new step says that it is compatible")
    func newer() async throws {
        let configuration = try await configuration()
        try await PostgresMigrations(schema: "newer", [first, second]).apply(configuration, on: loop)
        let old = try PostgresMigrations(schema: "newer", [first])
        let error = try await #require(throws: PostgresMigrationError.self) {
            try await old.apply(configuration, on: loop)
        }
        #expect(error.reason == .databaseIsNewer && error.description.contains("0002_names"))
        let expand = (name: "0003_more", sql: "-- slipway: compatible with 2\nALTER TABLE models ADD COLUMN more int;")
        try await PostgresMigrations(schema: "newer", [first, second, expand]).apply(configuration, on: loop)
        let previous = try PostgresMigrations(schema: "newer", [first, second])
        #expect(try await previous.apply(configuration, on: loop).unknown == ["0003_more"])
    }

    @Test("a step that was changed after it was applied is refused, and so is one that comes too late")
    func changed() async throws {
        let configuration = try await configuration()
        try await PostgresMigrations(schema: "changed", [first, (name: "0003_c", sql: "SELECT 1;")])
            .apply(configuration, on: loop)
        let edited = (name: first.name, sql: first.sql + " ")
        let error = try await #require(throws: PostgresMigrationError.self) {
            try await PostgresMigrations(schema: "changed", [edited, (name: "0003_c", sql: "SELECT 1;")])
                .plan(configuration, on: loop)
        }
        #expect(error.reason == .changed)
        let late = try await #require(throws: PostgresMigrationError.self) {
            try await PostgresMigrations(schema: "changed", [first, second, (name: "0003_c", sql: "SELECT 1;")])
                .plan(configuration, on: loop)
        }
        #expect(late.reason == .outOfOrder)
    }

    @Test("a step that ends its own transaction is refused")
    func ownTransaction() async throws {
        let configuration = try await configuration()
        let migrations = try PostgresMigrations(schema: "own", [(name: "0001_commit", sql: "COMMIT;")])
        let error = try await #require(throws: PostgresError.self) {
            try await migrations.apply(configuration, on: loop)
        }
        #expect(error.kind == .usage)
    }

    @Test("steps are read from the files of a folder, and names without a number are refused")
    func folder() throws {
        let folder = TestDatabase.temporaryFolder()
        mkdir(folder, 0o755)
        for (name, sql) in [first, second] {
            let file = fopen("\(folder)/\(name).sql", "w")
            fputs(sql, file)
            fclose(file)
        }
        let loaded = try PostgresMigrations(schema: "files", folder: folder)
        #expect(loaded.migrations.map(\.name) == [first.name, second.name])
        #expect(loaded.migrations.map(\.sql) == [first.sql, second.sql])
        _ = try ChildProcess.run("rm", ["-rf", "--", folder])
        #expect(throws: PostgresMigrationError.self) { try PostgresMigration(name: "models", sql: "") }
        #expect(throws: PostgresMigrationError.self) { try PostgresMigrations(schema: "s", [first, first]) }
        #expect(throws: PostgresMigrationError.self) { try PostgresMigrations(schema: "s", folder: "/nowhere") }
    }
}
