import Glibc
import Loop
import ServiceKit
import Synchronization
import Testing

@testable import Access
@testable import Identity
@testable import Journal
@testable import Postgres
@testable import Secrets

/// A database of its own with the tables of journal, identity and secrets.
struct Fixture: Sendable {
    let loops: LoopGroup
    let configuration: PostgresConfiguration
    let pool: PostgresPool

    var store: IdentityStore { IdentityStore(pool) }
    static let change = IdentityChange(actor: "person:test", reason: "to see")

    /// What the journal holds, in its order. Not as its readers get it, who wait for whatever transaction of whatever test
    /// is under way on the server.
    func entries() async throws -> [JournalEntry] {
        try await pool.query("SELECT * FROM journal.entries ORDER BY transaction, id").all(JournalRecord.self)
            .map(\.entry)
    }

    func actions() async throws -> [String] { try await entries().map { "\($0.action) \($0.subject)" } }

    /// A principal with a role in some workspaces, and a token for it.
    func member(
        _ name: String, _ roles: [(Workspace, Role)] = [], kind: PrincipalKind = .person
    ) async throws -> (principal: Principal, token: Secret) {
        let principal = try await store.createPrincipal(name, kind: kind, by: Fixture.change)
        for (workspace, role) in roles {
            try await store.setRole(role, of: principal.id, in: workspace.id, by: Fixture.change)
        }
        return (principal, try await token(TokenRequest(principal.id, name: "test")).text)
    }

    func token(_ request: TokenRequest) async throws -> IssuedToken {
        try await store.issueToken(request, by: Fixture.change)
    }
}

/// The server that the tests of this process share, under a folder that goes when the process ends.
private enum TestCluster {
    static let number = Atomic<Int>(0)
    static let folder = "/tmp/slipway-access-tests-\(getpid())"
    static let shared = Task {
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "200")]
        let cluster = try await PrivateCluster.start(configuration)
        process.store(Int(cluster.processID ?? 0), ordering: .relaxed)
        atexit {
            // The server outlives us by design; that of a test must not.
            let process = pid_t(TestCluster.process.load(ordering: .relaxed))
            if process > 0 { kill(process, SIGQUIT) }
            _ = try? ChildProcess.run("rm", ["-rf", "--", TestCluster.folder])
        }
        return cluster
    }
    private static let process = Atomic<Int>(0)
}

/// Runs `body` with a database of its own.
func withFixture(_ body: (Fixture) async throws -> Void) async throws {
    let cluster = try await TestCluster.shared.value
    let loops = try LoopGroup(count: 2, name: "test")
    try loops.start()
    let name = "test_\(TestCluster.number.add(1, ordering: .relaxed).newValue)"
    let admin = PostgresPool(PostgresConfiguration(connection: cluster.connectionString), loops: [loops.loops[0]])
    try await admin.execute("CREATE DATABASE \(identifier: name)")
    await admin.close()
    var configuration = PostgresConfiguration(connection: cluster.connectionString + " dbname=\(name)")
    configuration.pool.connectionsMax = 12
    try await Journal.prepare(configuration, on: loops.loops[0])
    try await IdentityStore.prepare(configuration, on: loops.loops[0])
    try await SecretStore.prepare(configuration, on: loops.loops[0])
    let fixture = Fixture(
        loops: loops, configuration: configuration, pool: PostgresPool(configuration, loops: loops.loops))
    var failure: (any Error)?
    do { try await body(fixture) } catch { failure = error }
    await fixture.pool.close()
    loops.stop()
    if let failure { throw failure }
}

/// The error that `body` throws, as the type given.
func failure<E: Error>(_ type: E.Type = E.self, _ body: () async throws -> Void) async -> E? {
    do {
        try await body()
        return nil
    } catch {
        return error as? E
    }
}

/// Asks until `condition` holds, for at most a minute.
func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<6000 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("never happened: \(what)")
}
