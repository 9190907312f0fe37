import Glibc
import Loop
import RPC
import ServiceKit
import Synchronization

@testable import Access
@testable import Blobs
@testable import Identity
@testable import Journal
@testable import Postgres
import Secrets
import Leases
@testable import DeployerCore

/// A deployer's database of its own with two workspaces, `lab` and `attic`, and a store of blobs in memory.
struct DeployerFixture: Sendable {
    let loops: LoopGroup
    let configuration: PostgresConfiguration
    let pool: PostgresPool
    let blobs = MemoryBlobStore()
    /// As in the program, where one source serves everybody. It does not listen: what it knows it knows from here.
    let source: IdentitySource
    let lab: Workspace
    let attic: Workspace

    static let change = IdentityChange(actor: "system:test")

    var identity: IdentityStore { IdentityStore(pool, source: source) }

    /// A principal with roles, and a token for it.
    func member(
        _ name: String, _ roles: [(Workspace, Role)], kind: PrincipalKind = .person
    ) async throws -> (principal: Principal, token: Secret) {
        let principal = try await identity.createPrincipal(name, kind: kind, by: DeployerFixture.change)
        for (workspace, role) in roles {
            try await identity.setRole(role, of: principal.id, in: workspace.id, by: DeployerFixture.change)
        }
        let issued = try await identity.issueToken(TokenRequest(principal.id, name: "test"), by: DeployerFixture.change)
        return (principal, issued.text)
    }

    /// The services behind the interceptor that they have in the program.
    func server(_ services: [any RPCService]) -> RPCServer {
        let interceptor = AccessInterceptor(AccessControl(source), services: services)
        return RPCServer(services: services, interceptors: [interceptor])
    }

    /// A channel in process, on which every call is signed with the token and is about the workspace.
    func channel(_ server: RPCServer, token: Secret?, workspace: String? = "lab") -> InProcessChannel {
        var configuration = ChannelConfiguration()
        configuration.interceptors = [ClientCredentials(token: token, workspace: workspace)]
        return InProcessChannel(server, loops: loops, configuration: configuration)
    }

    /// What the journal holds of the deployer, in its order. Read past the horizon: no other test writes here.
    func entries() async throws -> [JournalEntry] {
        try await pool.query(
            "SELECT * FROM journal.entries WHERE action NOT LIKE 'identity.%' ORDER BY transaction, id"
        ).all(JournalRecord.self).map(\.entry)
    }

    func actions() async throws -> [String] { try await entries().map { "\($0.action) \($0.subject)" } }
}

/// The server that the tests of this process share, and a database with all tables that theirs are copies of.
private enum DeployerCluster {
    static let number = Atomic<Int>(0)
    static let folder = "/tmp/slipway-deployer-tests-\(getpid())"
    static let template = "deployer_template"
    private static let process = Atomic<Int>(0)

    static let shared = Task {
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "300")]
        let cluster = try await PrivateCluster.start(configuration)
        process.store(Int(cluster.processID ?? 0), ordering: .relaxed)
        atexit {
            // The server outlives us by design; that of a test must not.
            let process = pid_t(DeployerCluster.process.load(ordering: .relaxed))
            if process > 0 { kill(process, SIGQUIT) }
            _ = try? ChildProcess.run("rm", ["-rf", "--", DeployerCluster.folder])
        }
        let loops = try LoopGroup(count: 1, name: "template")
        try loops.start()
        defer { loops.stop() }
        let loop = loops.loops[0]
        try await execute("CREATE DATABASE \(identifier: template)", cluster.connectionString, loop)
        let database = PostgresConfiguration(connection: cluster.connectionString + " dbname=\(template)")
        try await Journal.prepare(database, on: loop)
        try await IdentityStore.prepare(database, on: loop)
        try await Leases.prepare(database, on: loop)
        try await SecretStore.prepare(database, on: loop)
        try await DeployerSchema.prepare(database, on: loop)
        return cluster
    }

    static func execute(_ query: PostgresQuery, _ connection: String, _ loop: EventLoop) async throws {
        let pool = PostgresPool(PostgresConfiguration(connection: connection), loops: [loop])
        do {
            try await pool.execute(query)
            await pool.close()
        } catch {
            await pool.close()
            throw error
        }
    }
}

/// Runs `body` with a deployer of its own.
func withDeployer(connections: Int = 12, _ body: (DeployerFixture) async throws -> Void) async throws {
    let cluster = try await DeployerCluster.shared.value
    let loops = try LoopGroup(count: 2, name: "test")
    try loops.start()
    defer { loops.stop() }
    let name = "deployer_\(DeployerCluster.number.add(1, ordering: .relaxed).newValue)"
    try await DeployerCluster.execute(
        "CREATE DATABASE \(identifier: name) TEMPLATE \(identifier: DeployerCluster.template)",
        cluster.connectionString, loops.loops[0])
    var configuration = PostgresConfiguration(connection: cluster.connectionString + " dbname=\(name)")
    configuration.pool.connectionsMax = connections
    let pool = PostgresPool(configuration, loops: loops.loops)
    do {
        let identity = IdentityStore(pool)
        let keeper = try await identity.createPrincipal("keeper", kind: .service, by: DeployerFixture.change)
        let fixture = DeployerFixture(
            loops: loops, configuration: configuration, pool: pool, source: IdentitySource(pool),
            lab: try await identity.createWorkspace("lab", owner: keeper.id, by: DeployerFixture.change),
            attic: try await identity.createWorkspace("attic", owner: keeper.id, by: DeployerFixture.change))
        try await body(fixture)
        await pool.close()
    } catch {
        await pool.close()
        throw error
    }
}

/// The error that a call ends with; nil where it succeeds.
func failure(_ body: () async throws -> Void) async -> RPCError? {
    do {
        try await body()
        return nil
    } catch {
        return RPCError(error)
    }
}
