import Access
import Blobs
import Contracts
import DeployerCore
import Glibc
import Identity
import Leases
import Loop
import Postgres
import Secrets
import ServiceHost
import ServiceKit

/// The deployer: keeps endpoints answering while what is under them changes.
@main
struct DeployerProgram {
    static func main() {
        let build = BuildInformation(service: "deployer", version: "0.1.0")
        ServiceProgram.main(build, settings: DeployerSettings.self, kit: \.service) { environment in
            let settings = environment.settings
            let base = try await Foundations.lay(
                settings.host, in: environment,
                schemas: [
                    { try await SecretStore.prepare($0, on: $1) }, { try await Leases.prepare($0, on: $1) },
                    DeployerSchema.prepare,
                ])
            let parts = try await DeployerParts(environment, base)
            if settings.local.isOffered { try await parts.targets.offerUsual() }
            let offer = Offer(
                services: [
                    DeploymentsService(
                        parts.deployments, places: parts.places, signals: parts.signals,
                        loop: environment.loops.next()),
                    TargetsService(parts.targets),
                ],
                descriptors: [
                    Slipway.Deployments.V1.Deployments.descriptor, Slipway.Targets.V1.Targets.descriptor,
                ])
            return try base.parts(settings.host, in: environment, offer: offer, workers: parts.workers)
        }
    }
}

/// What the deployer is put together of.
struct DeployerParts: Sendable {
    let places: Places
    let targets: TargetStore
    let deployments: DeploymentStore
    let images: LocalImages
    let leases: Leases
    let signals: PostgresSignals
    let workers: [any Service]

    init(_ environment: ServiceEnvironment<DeployerSettings>, _ base: Foundations) async throws {
        let settings = environment.settings
        let loop = environment.loops.next()
        let folder = try DataFolder.make("\(base.data)/deployer")
        let key = try SecretKey.load(file: "\(base.data)/secrets.key")
        let box = SecretBox(SecretKeys(key))
        let store = try await FolderBlobStore.open("\(folder)/blobs", pool: environment.pool)
        let registry = try settings.registry.channel("registry", in: environment)
        let builder = try settings.images.channel("images", in: environment)
        let delegation = Delegation(base.identities, service: environment.build.service)
        let source = SuiteImages(
            builder: builder, registry: registry, delegation: delegation,
            distribution: .init(
                host: settings.images.address, isSecure: settings.images.isSecure,
                authorities: settings.images.authorities), loop: loop)
        images = LocalImages(base.pool, store: store)
        leases = Leases(base.pool, holder: "deployer \(getpid())", loop: loop)
        places = Places(base.pool, box: box, factories: [:])
        targets = TargetStore(base.pool, box: box, places: places)
        deployments = DeploymentStore(
            base.pool, box: box, images: source, limits: settings.limits.limits,
            addresses: settings.endpoints.addresses)
        let signals = PostgresSignals(base.pool, channels: [DeployerChannel.statuses, DeployerChannel.deployments])
        self.signals = signals
        let log = environment.logger
        workers = [
            DeployerParts.listening(signals),
            ClosureService("calls to other services") {
                defer { source.stop() }
                StopSignal.started()
                try await StopSignal.wait()
            },
            ImageBringer(
                images, source: source, leases: leases, loop: environment.loops.next(), log: log,
                atOnce: max(1, settings.bringing.atOnce)),
            LocalImageKeeper(
                images, loop: environment.loops.next(), log: log, interval: settings.bringing.interval,
                age: settings.bringing.age),
            UseReporter(
                base.pool, builder: builder, registry: registry, delegation: delegation,
                loop: environment.loops.next(), log: log),
        ]
    }

    private static func listening(_ signals: PostgresSignals) -> any Service {
        ClosureService("notifications") {
            StopSignal.started()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await signals.run() }
                group.addTask { try? await StopSignal.wait() }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
