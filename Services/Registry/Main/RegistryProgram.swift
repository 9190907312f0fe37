import Access
import Blobs
import Contracts
import Identity
import Loop
import RegistryCore
import ServiceHost
import ServiceKit

/// The registry: workspaces, members and tokens; models, their versions and files.
@main
struct RegistryProgram {
    struct Settings: ConfigurationSection {
        var host = HostSettings()
        var files = FileSettings()
        var service = KitSettings()

        static func describe(_ keys: inout ConfigurationKeys<Settings>) {
            keys.add("host", \.host)
            keys.add("files", \.files)
            keys.add("service", \.service)
        }
    }

    static func main() {
        let build = BuildInformation(service: "registry", version: "0.1.0")
        ServiceProgram.main(build, settings: Settings.self, kit: \.service) { environment in
            let settings = environment.settings
            let base = try await Foundations.lay(settings.host, in: environment, schemas: [RegistrySchema.prepare])
            let blobs = try await FolderBlobStore.open("\(base.data)/blobs", pool: environment.pool)
            let metrics = FileMetrics(environment.metrics)
            let files = ModelFilesService(base.pool, store: blobs, settings: settings.files, metrics: metrics)
            let readers = ComputePool(threads: 2, queueLimit: 1024, name: "formats")
            let models = RegistryStore(
                base.pool, blobs: blobs, recogniser: .formats(in: blobs, on: readers), compute: environment.pool)

            let logger = environment.logger
            var routes = AccessRoutes(base.access) { logger.error("a route failed", ["error": .string("\($0)")]) }
            try FileRoutes(files).add(to: &routes)
            let offer = Offer(
                services: [
                    WorkspaceService(base.identities), PrincipalService(base.identities), TokenService(base.identities),
                    AuditService(base.pool), ModelsService(models), LineageService(models), files,
                ],
                descriptors: [
                    Slipway.Workspaces.V1.Workspaces.descriptor, Slipway.Principals.V1.Principals.descriptor,
                    Slipway.Tokens.V1.Tokens.descriptor, Slipway.Audit.V1.Audit.descriptor,
                    Slipway.Models.V1.Models.descriptor, Slipway.Models.V1.Lineage.descriptor,
                    Slipway.Models.V1.ModelFiles.descriptor,
                ], routes: routes)
            let keeper = FileKeeper(
                base.pool, store: blobs, settings: settings.files, metrics: metrics, log: logger,
                loop: environment.loops.next())
            let recognition = ClosureService("recognition", startTimeout: .seconds(10)) {
                try readers.start()
                // By the time that this is asked to stop, nobody is served any more, and nothing is being read.
                defer { readers.stop() }
                StopSignal.started()
                try await StopSignal.wait()
            }
            return try base.parts(settings.host, in: environment, offer: offer, workers: [recognition, keeper])
        }
    }
}
