import Access
import Activities
import ActivityService
import Blobs
import Contracts
import Glibc
import Identity
import ImageBuilderCore
import Loop
import RPC
import Secrets
import ServiceHost
import ServiceKit

/// The image builder: builds images of models, keeps them, and hands them out.
@main
struct ImageBuilderProgram {
    static func main() {
        let build = BuildInformation(service: "image-builder", version: "0.1.0")
        ServiceProgram.main(build, settings: BuilderSettings.self, kit: \.service) { environment in
            let settings = environment.settings
            let base = try await Foundations.lay(
                settings.host, in: environment,
                schemas: [
                    { try await SecretStore.prepare($0, on: $1) }, { try await Activities.prepare($0, on: $1) },
                    ImageSchema.prepare,
                ])
            let folder = try DataFolder.make("\(base.data)/images")
            let machine = try BuilderMachine(settings.builds)
            let blobs = try await FolderBlobStore.open("\(folder)/blobs", pool: environment.pool)
            let key = try SecretKey.load(file: "\(base.data)/secrets.key")
            let secrets = RegistryCredentialStore(SecretStore(base.pool, keys: SecretKeys(key)))
            let loop = environment.loops.next()
            let outside = try RegistryClients(secrets, settings: settings.outside, loop: loop)
            let parts = try await parts(environment, base, blobs, machine, outside, folder)
            let activities = Activities(base.pool, loop: loop)
            let catalogue = ImageRecords(base.pool)
            let exporter = ImageExport(blobs)
            let push = ImagePush(catalogue, store: blobs, registries: outside, identities: base.identities)
            let comparer = ImageComparer(blobs, on: machine.layers)
            let images = ImagesService(
                parts, activities: activities,
                extras: ImageExtras(comparing: comparer, pushing: push, exporting: exporter))

            let logger = environment.logger
            var routes = AccessRoutes(base.access) { logger.error("a route failed", ["error": .string("\($0)")]) }
            try DistributionRoutes(
                catalogue, store: blobs, key: key.derived(for: "image tickets"),
                settings: settings.distribution
            ).add(to: &routes)
            let store = ImageStore(base.pool)
            try ExportRoutes(exporter) { try await store.image($0, of: $1) }.add(to: &routes)
            let offer = Offer(
                services: [
                    images, RegistryCredentialsService(secrets),
                    ActivityService(
                        activities, workspace: { try $0.caller.placeName },
                        actor: { $0.caller.actor }),
                ],
                descriptors: [
                    Slipway.Images.V1.Images.descriptor, Slipway.Images.V1.RegistryCredentials.descriptor,
                    Slipway.Activities.V1.Activities.descriptor,
                ], routes: routes)
            let keeper = ImageKeeper(
                base.pool, store: blobs, settings: settings.keep, metrics: environment.metrics, log: logger, loop: loop)
            return try base.parts(
                settings.host, in: environment, offer: offer,
                workers: [
                    machine.service(outside), activities, parts.reporter, keeper,
                    worker(
                        activities, [BuildHandler(parts), VerifyHandler(parts, comparing: comparer), push],
                        settings.builds, logger),
                ])
        }
    }

    private static func parts(
        _ environment: ServiceEnvironment<BuilderSettings>, _ base: Foundations, _ blobs: FolderBlobStore,
        _ machine: BuilderMachine, _ outside: RegistryClients, _ folder: String
    ) async throws -> BuildParts {
        let settings = environment.settings
        let registry = RegistryGateway(
            // A version of a model names up to 100,000 files.
            try settings.registry.channel("registry", messageBytes: 256 << 20, in: environment),
            delegation: Delegation(base.identities, service: environment.build.service))
        let python = settings.python.settings(folder: try DataFolder.make("\(folder)/python"))
        let environments = try await PythonEnvironments.open(
            python, store: blobs, memory: LockRecords(base.pool), pool: machine.waiting)
        return BuildParts(
            pool: base.pool, store: blobs, registry: registry,
            reporter: UseReporter(
                base.pool, registry: registry, loop: environment.loops.next(), log: environment.logger),
            assembler: ImageAssembler(
                store: blobs, materials: machine.materials, environments: environments, pool: machine.layers),
            environments: environments, scripts: EntryScriptChecker(python, pool: machine.waiting),
            bases: BaseBringer(
                ImageStore(base.pool), store: blobs, registries: outside, layouts: settings.base.layouts,
                bytesMax: Int64(settings.base.bytes.bytes), pool: machine.waiting),
            sources: SourceStore(base.pool, blobs: blobs, limits: settings.sources))
    }

    private static func worker(
        _ activities: Activities, _ handlers: [any ActivityHandler], _ settings: BuildsSettings, _ logger: Logger
    ) -> ActivityWorker {
        var configuration = ActivityWorker.Configuration()
        configuration.concurrency = max(1, settings.atOnce)
        configuration.leaseDuration = max(.seconds(1), settings.lease)
        configuration.onEvent = { logger.warning("a build is in trouble", ["error": .string("\($0)")]) }
        return ActivityWorker(
            activities, name: "image-builder \(getpid())",
            handlers: handlers, configuration: configuration)
    }
}

extension Caller {
    /// The workspace of the call, by name.
    fileprivate var placeName: String {
        get throws {
            guard let workspace else { throw RPCError(.internal, "the call reached its method without a workspace") }
            return workspace.name
        }
    }
}
