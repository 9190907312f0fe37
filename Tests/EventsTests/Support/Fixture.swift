import Access
import Activities
import Contracts
import Glibc
import Identity
import Journal
import Leases
import Loop
import Postgres
import ResourceKit
import Secrets
import ServiceKit
import Synchronization
import Testing

@testable import EventsCore

/// The server that the tests of this process share, under a folder that goes when the process ends.
enum TestCluster {
    static let number = Atomic<Int>(0)
    static let folder = "/tmp/slipway-events-tests-\(getpid())"
    static let shared = Task {
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "300")]
        let cluster = try await PrivateCluster.start(configuration)
        process.store(Int(cluster.processID ?? 0), ordering: .relaxed)
        atexit {
            let process = pid_t(TestCluster.process.load(ordering: .relaxed))
            if process > 0 { kill(process, SIGQUIT) }
            system("rm -rf -- \(TestCluster.folder)")
        }
        return cluster
    }
    private static let process = Atomic<Int>(0)
}

/// A cluster of its own for each fixture: readers of the journal wait for whatever transaction is under way on a server,
/// and tests hold some open.
struct Fixture: Sendable {
    let loops: LoopGroup
    let configuration: PostgresConfiguration
    let pool: PostgresPool
    let workspace = Workspace(id: EntityID(derivedFrom: "default"), name: "default")
    let secrets: SecretStore

    var change: WorkspaceChange { WorkspaceChange(workspace, actor: "person:test") }

    func store(_ receiver: Receiver) -> SubscriptionStore {
        SubscriptionStore(
            pool, secrets: secrets, filters: PrefixFilters(), sender: receiver, mapping: PlainMapping(),
            allowsUnvalidated: true)
    }

    /// Appends events, each in a transaction of its own.
    @discardableResult
    func happen(_ subjects: [String], workspace: String = "default") async throws -> [String] {
        var ids: [String] = []
        for subject in subjects {
            let id = try await pool.transaction { transaction in
                try await Journal.append(
                    JournalEntry(
                        actor: "person:ada", action: "model.registered", subject: subject, workspace: workspace),
                    in: transaction)
                return try await transaction.query("SELECT currval('journal.entries_id')").all(Int64.self)[0]
            }
            ids.append("\(id)")
        }
        return ids
    }

    @discardableResult
    func subscribe(
        _ name: String, _ receiver: Receiver, _ change: (inout Slipway.Events.V1.Subscription) -> Void = { _ in },
        after: String = ""
    ) async throws -> Slipway.Events.V1.CreatedSubscription {
        var request = Slipway.Events.V1.CreateSubscriptionRequest()
        var subscription = Slipway.Events.V1.Subscription()
        subscription.name = name
        subscription.destination = Fixture.webhook("http://\(name)")
        change(&subscription)
        request.subscription = subscription
        request.after = after
        return try await store(receiver).create(request, by: self.change)
    }

    static func webhook(_ url: String) -> Slipway.Events.V1.Destination {
        var webhook = Slipway.Events.V1.Webhook()
        webhook.url = url
        var destination = Slipway.Events.V1.Destination()
        destination.kind = .webhook(webhook)
        return destination
    }

    func get(_ name: String) async throws -> Slipway.Events.V1.Subscription {
        try await store(Receiver()).find(name, in: workspace).message
    }
}

/// An instance of the relay.
final class TestRelay: Sendable {
    let service: RelayService
    let feed: JournalFeed
    private let stopSignal = StopSignal()
    private let task: Task<Void, any Error>

    init(
        _ fixture: Fixture, _ receiver: any EventSending, name: String = "relay", retry: QuickRetry = QuickRetry(),
        circuit: @escaping @Sendable () -> any DeliveryCircuit = { NoCircuit() },
        _ change: (inout RelaySettings) -> Void = { _ in }
    ) {
        var settings = RelaySettings()
        settings.leaseDuration = .seconds(3)
        settings.cursorInterval = .milliseconds(200)
        change(&settings)
        let loop = fixture.loops.next()
        let feed = JournalFeed(fixture.pool, mapping: PlainMapping(), loop: loop)
        let service = RelayService(
            fixture.pool,
            parts: .init(
                sender: receiver, retry: retry, circuit: circuit, settings: settings,
                metrics: RelayMetrics(MetricsRegistry()), logger: .silent),
            feed: feed, mapping: PlainMapping(), filters: PrefixFilters(), secrets: fixture.secrets,
            holder: "\(name)-\(PostgresUUID.random())", loop: loop)
        self.feed = feed
        self.service = service
        task = Task { [stopSignal] in
            try await StopSignal.$current.withValue(stopSignal) { try await service.run() }
        }
    }

    /// Asks for the end in order, and waits for it.
    func stop() async throws {
        stopSignal.request()
        try await task.value
    }
}

/// An instance of the relay that is killed: it has threads of its own, which stop in the middle of what they do.
final class DoomedRelay: Sendable {
    private let loops: LoopGroup
    private let relay: TestRelay

    init(_ fixture: Fixture, _ receiver: any EventSending, _ change: (inout RelaySettings) -> Void = { _ in }) throws {
        loops = try LoopGroup(count: 1, name: "doomed")
        try loops.start()
        let own = Fixture(
            loops: loops, configuration: fixture.configuration,
            pool: PostgresPool(fixture.configuration, loops: loops.loops), secrets: fixture.secrets)
        relay = TestRelay(own, receiver, name: "doomed", change)
    }

    func kill() { loops.abandon() }
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
    configuration.pool.connectionsMax = 10
    try await Journal.prepare(configuration, on: loops.loops[0])
    try await SecretStore.prepare(configuration, on: loops.loops[0])
    try await Activities.prepare(configuration, on: loops.loops[0])
    try await EventsSchema.prepare(configuration, on: loops.loops[0])
    let pool = PostgresPool(configuration, loops: loops.loops)
    let fixture = Fixture(
        loops: loops, configuration: configuration, pool: pool,
        secrets: SecretStore(pool, keys: SecretKeys(.random())))
    var failure: (any Error)?
    do { try await body(fixture) } catch { failure = error }
    await pool.close()
    loops.stop()
    if let failure { throw failure }
}

/// Asks until `condition` holds, for at most a minute.
func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<3000 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("never happened: \(what)")
}
