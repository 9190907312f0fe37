import Access
import Blobs
import Contracts
import DeployerTargets
import Identity
import Leases
import Loop
import Postgres
import RPC
import Secrets
import ServiceKit

@testable import DeployerCore

/// The deployer's services before a caller, with others' services and places made up.
struct Desk: Sendable {
    let fixture: DeployerFixture
    let images = FakeImages()
    let place = QuietPlace()
    let box = SecretBox(SecretKeys(.random()))
    let places: Places
    let targets: TargetStore
    let store: DeploymentStore
    let local: LocalImages
    let signals: PostgresSignals
    /// A contributor of `lab`, who owns `attic`.
    let ada: Principal
    private let token: Secret

    var pool: PostgresPool { fixture.pool }

    init(_ fixture: DeployerFixture, limits: DeployerLimits = .init()) async throws {
        self.fixture = fixture
        let place = place
        places = Places(fixture.pool, box: box, factories: ["process": { _ in place }, "docker": { _ in place }])
        targets = TargetStore(fixture.pool, box: box, places: places)
        store = DeploymentStore(fixture.pool, box: box, images: images, limits: limits)
        local = LocalImages(fixture.pool, store: fixture.blobs)
        signals = PostgresSignals(
            fixture.pool, channels: [DeployerChannel.statuses, DeployerChannel.deployments])
        (ada, token) = try await fixture.member("ada", [(fixture.lab, .owner), (fixture.attic, .contributor)])
        try await targets.offerUsual()
        try images.add("churn", 1, models: ["churn:3"])
        try images.add("churn", 2, models: ["churn:4"])
    }

    var change: DeploymentChange {
        DeploymentChange(.init(fixture.lab, actor: "\(ada)"), principal: ada.id)
    }

    var service: DeploymentsService {
        DeploymentsService(store, places: places, signals: signals, loop: fixture.loops.loops[0])
    }

    private var channel: InProcessChannel { channel(as: token, in: "lab") }

    func channel(as token: Secret, in workspace: String) -> InProcessChannel {
        fixture.channel(
            fixture.server([service, TargetsService(targets)]), token: token, workspace: workspace)
    }

    var deployments: V1.Deployments.Client { .init(channel) }
    var elsewhere: V1.Deployments.Client { .init(channel(as: token, in: "attic")) }
    var targetCalls: Slipway.Targets.V1.Targets.Client { .init(channel) }

    func bringer(onStep: @escaping @Sendable (BringingStep) async throws -> Void = { _ in }) -> ImageBringer {
        ImageBringer(
            local, source: images,
            leases: Leases(pool, holder: "test", loop: fixture.loops.loops[0]), loop: fixture.loops.loops[0],
            onStep: onStep)
    }

    @discardableResult
    func create(_ name: String = "churn", image: String = "churn:1") async throws -> V1.Deployment {
        try await deployments.createDeployment(.init(name: name, content: .init(kind: .image(image))))
    }

    /// The number of a deployment that there is.
    func number(_ name: String = "churn") async throws -> Int64 { try await store.record(name, in: fixture.lab).id }

    func route(_ name: String = "churn") async throws -> Slipway.Routing.V1.Route? {
        let rows = try await pool.query(
            """
            SELECT r.route FROM deployments.routes AS r JOIN deployments.deployments AS d ON d.id = r.deployment
            WHERE d.name = \(name) ORDER BY d.id DESC LIMIT 1
            """
        ).all([UInt8].self)
        return try rows.first.map { try .init(serialized: $0) }
    }

    /// A replica as a controller would have written it.
    @discardableResult
    func replica(
        of name: String = "churn", revision: Int32 = 1, state: V1.Replica.State = .ready
    ) async throws -> String {
        let (number, id) = (try await number(name), PostgresUUID.random())
        try await pool.transaction { transaction in
            try await transaction.execute(
                """
                INSERT INTO deployments.replicas (id, deployment, revision, target, state, address, sealed_key, ready)
                SELECT \(id), d.id, \(revision), d.target, \(Int16(state.rawValue)), '127.0.0.1:4000',
                    \([UInt8]([1])), now()
                FROM deployments.deployments AS d WHERE d.id = \(number)
                """)
            try await Routes.refresh(number, in: transaction)
        }
        return "\(id)"
    }
}

/// Runs `body` with a deployer of its own.
func withDesk(limits: DeployerLimits = .init(), _ body: (Desk) async throws -> Void) async throws {
    try await withDeployer { try await body(try await Desk($0, limits: limits)) }
}
