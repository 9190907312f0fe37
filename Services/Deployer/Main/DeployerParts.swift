import Access
import Blobs
import DeployerCore
import DeployerTargets
import Glibc
import HTTP
import Identity
import Leases
import Loop
import Postgres
import Secrets
import ServiceHost
import ServiceKit

/// What the deployer is put together of.
struct DeployerParts: Sendable {
    let places: Places
    let targets: TargetStore
    let deployments: DeploymentStore
    let signals: PostgresSignals
    let workers: [any Service]

    init(_ environment: ServiceEnvironment<DeployerSettings>, _ base: Foundations) async throws {
        let settings = environment.settings
        let loops = environment.loops
        let folder = try DataFolder.make("\(base.data)/deployer")
        let key = try SecretKey.load(file: "\(base.data)/secrets.key")
        let keys = SecretKeys(key)
        let box = SecretBox(keys)
        // The same for every deployer of the installation, because they share the key.
        let suite = DeployerParts.hexadecimal(key.derived(for: "the installation's name").prefix(8))
        let store = try await FolderBlobStore.open("\(folder)/blobs", pool: environment.pool)
        let registry = try settings.registry.channel("registry", in: environment)
        let builder = try settings.images.channel("images", in: environment)
        let delegation = Delegation(base.identities, service: environment.build.service)
        let source = SuiteImages(
            builder: builder, registry: registry, delegation: delegation,
            distribution: .init(
                host: settings.images.address, isSecure: settings.images.isSecure,
                authorities: settings.images.authorities), loop: loops.next())
        let images = LocalImages(base.pool, store: store)
        let places = Places(
            base.pool, box: box,
            factories: DeployerPlaces(
                folder: try DataFolder.make("\(folder)/places"), suite: suite, launcher: settings.local.launcher,
                pool: environment.pool, loops: loops
            ).factories)
        self.places = places
        targets = TargetStore(base.pool, box: box, places: places)
        deployments = DeploymentStore(
            base.pool, box: box, images: source, limits: settings.limits.limits,
            addresses: settings.endpoints.addresses)
        let signals = PostgresSignals(base.pool, channels: [DeployerChannel.statuses, DeployerChannel.deployments])
        self.signals = signals
        let log = environment.logger
        let holder = "deployer \(getpid())"
        let secrets = SecretStore(base.pool, keys: keys)
        let control = ControlParts(
            suite: suite, place: { try await places.target($0) },
            image: { try await DeployerParts.image($0, images) },
            variables: { try await DeployerParts.variables($0, secrets) },
            probing: HTTPProbing(HTTPClient(loops: loops, resolver: environment.pool)), box: box, logger: log)
        workers = [
            DeployerParts.listening(signals), DeployerParts.ending(source),
            ImageBringer(
                images, source: source, leases: Leases(base.pool, holder: holder, loop: loops.next()),
                loop: loops.next(), log: log, atOnce: max(1, settings.bringing.atOnce)),
            LocalImageKeeper(
                images, loop: loops.next(), log: log, interval: settings.bringing.interval,
                age: settings.bringing.age),
            UseReporter(
                base.pool, builder: builder, registry: registry, delegation: delegation, loop: loops.next(), log: log),
            ControlService(base.pool, control, holder: holder, loop: loops.next()),
        ]
    }

    private static func image(_ revision: ControlledRevision, _ images: LocalImages) async throws -> LocalImage {
        guard let digest = BlobDigest(bytes: revision.digest) else {
            throw TargetError(.unusableImage, "the image of revision \(revision.number) is not here")
        }
        return try await images.image(digest, name: revision.imageName)
    }

    /// The variables of replicas, with the values of secrets.
    private static func variables(
        _ revision: ControlledRevision, _ secrets: SecretStore
    ) async throws -> [String: String] {
        var variables = revision.settings.variables
        for (name, secret) in revision.settings.secretVariables {
            variables[name] = try await secrets.get(secret, in: revision.workspace).reveal()
        }
        return variables
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

    private static func ending(_ source: SuiteImages) -> any Service {
        ClosureService("calls to other services") {
            defer { source.stop() }
            StopSignal.started()
            try await StopSignal.wait()
        }
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
