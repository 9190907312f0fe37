import Glibc
import Testing

@testable import Postgres

@Suite(.serialized) struct PrivateClusterTests {
    @Test("a second start finds the cluster running; after a fast shutdown the next start finds its data")
    func restart() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        #expect(cluster.wasStarted)
        try await TestDatabase.withPool(on: cluster) { _ = try await $0.execute("CREATE TABLE kept (id int)") }
        let again = try await PrivateCluster.start(cluster.configuration)
        #expect(!again.wasStarted && again.processID == cluster.processID)
        try await cluster.stop()
        #expect(cluster.processID == nil)
        try await cluster.stop()
        let later = try await PrivateCluster.start(cluster.configuration)
        #expect(later.wasStarted)
        try await TestDatabase.withPool(on: later) { pool in
            let rows = try await pool.query("SELECT * FROM kept")
            #expect(rows.isEmpty)
        }
        try await later.stop()
    }

    @Test(
        "the server's memory is an eighth of what there is, within bounds",
        arguments: [(512, nil, 128), (2048, nil, 256), (65_536, nil, 512), (65_536, 1600, 200), (2048, 1 << 40, 256)])
    func memory(machine: Int, group: Int?, expected: Int) {
        #expect(ServerMemory.sharedBuffers(machine: machine, group: group) == expected)
    }

    @Test("after kill -9 of every process the next start recovers what was committed")
    func killed() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        try await TestDatabase.withPool(on: cluster) { pool in
            try await pool.execute("CREATE TABLE kept AS SELECT 7::int8 AS id")
            let pids = try await pool.query("SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL").all(Int32.self)
            for pid in [try #require(cluster.processID)] + pids { kill(pid, SIGKILL) }
        }
        let again = try await PrivateCluster.start(cluster.configuration)
        #expect(again.wasStarted)
        try await TestDatabase.withPool(on: again) { pool in
            let kept = try await pool.query("SELECT id FROM kept").all(Int.self)
            #expect(kept == [7])
        }
        try await again.stop()
    }

    @Test("a process that got the number of a dead server is not taken for it")
    func strangerWithTheNumber() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        try await cluster.stop()
        let path = cluster.configuration.folder + "/postgres/postmaster.pid"
        let file = fopen(path, "w")
        fputs("\(getpid())\n\(cluster.configuration.folder)/postgres\n", file)
        fclose(file)
        let again = try await PrivateCluster.start(cluster.configuration)
        #expect(again.wasStarted && again.processID != getpid())
        try await again.stop()
    }

    @Test("starts at once make one cluster")
    func concurrentStarts() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        try await cluster.stop()
        let started = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 { group.addTask { try await PrivateCluster.start(cluster.configuration).wasStarted } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(started.filter { $0 }.count == 1)
        try await cluster.stop()
    }

    @Test("a cluster of another major version is refused, and the message says what to do")
    func otherVersion() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        try await cluster.stop()
        let file = fopen(cluster.configuration.folder + "/postgres/PG_VERSION", "w")
        fputs("9\n", file)
        fclose(file)
        let error = try await #require(throws: PrivateClusterError.self) {
            try await PrivateCluster.start(cluster.configuration)
        }
        #expect(error.reason == .otherVersion && error.description.contains("PostgreSQL 9"))
    }

    @Test("where the server is not installed, the message names the package")
    func notInstalled() throws {
        let error = try #require(throws: PrivateClusterError.self) { try PostgresBinaries.find(in: "/nowhere") }
        #expect(error.reason == .notInstalled)
    }

    @Test("a folder whose path is too long for a socket works all the same")
    func longPath() async throws {
        let base = TestDatabase.temporaryFolder()
        mkdir(base, 0o755)
        let folder = base + "/" + String(repeating: "long", count: 30)
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off")]
        let cluster = try await PrivateCluster.start(configuration)
        try await TestDatabase.withPool(on: cluster) { pool in
            let one = try await pool.query("SELECT 1::int8").all(Int.self)
            #expect(one == [1])
        }
        try await cluster.stop()
        _ = try ChildProcess.run("rm", ["-rf", "--", base])
    }

    @Test("a folder that the server's user can't reach is refused with the reason")
    func unreachable() async throws {
        guard geteuid() == 0 else { return }
        let base = TestDatabase.temporaryFolder()
        mkdir(base, 0o700)
        let error = try await #require(throws: PrivateClusterError.self) {
            try await PrivateCluster.start(PrivateCluster.Configuration(folder: base + "/data"))
        }
        #expect(error.reason == .folder && error.description.contains("pass through"))
        _ = try ChildProcess.run("rm", ["-rf", "--", base])
    }
}
