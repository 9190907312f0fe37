import Access
import Activities
import Blobs
import Contracts
import Identity
import ImageBuilderCore
import ImageShelf
import Loop
import Postgres
import Secrets
import ServiceHost
import ServiceKit

/// What hands images on, over a real store and database, without what builds them. Told what to do by lines of its input,
/// each of which it answers with one:
///
///     image NAME TEXT LAYERTEXT…             puts an image down whose layers hold these texts; answers its digest
///     alias NAME VERSION ALIAS
///     credential REGISTRY USER PASSWORD
///     push NAME VERSION DESTINATION          answers the push's state and result, or why it failed
///
/// Everything is in the workspace `default`; the token of its administrator lies in `first-token` in the data folder.
@main
struct DistributionServer {
    struct Settings: ConfigurationSection {
        var host = HostSettings()
        var service = KitSettings()
        var images = DistributionSettings()

        static func describe(_ keys: inout ConfigurationKeys<Settings>) {
            keys.add("host", \.host)
            keys.add("service", \.service)
            keys.add("images", \.images)
        }
    }

    static func main() {
        let build = BuildInformation(service: "distribution-server", version: "0.1.0")
        ServiceProgram.main(build, settings: Settings.self, kit: \.service) { environment in
            let settings = environment.settings
            let base = try await Foundations.lay(
                settings.host, in: environment,
                schemas: [SecretStore.prepare, Activities.prepare, ImageSchema.prepare])
            let folder = try DataFolder.make("\(base.data)/images")
            let blobs = try await FolderBlobStore.open("\(folder)/blobs", pool: environment.pool)
            let key = try SecretKey.load(file: "\(base.data)/secrets.key")
            let loop = environment.loops.next()
            let catalogue = ImageRecords(base.pool)
            let credentials = RegistryCredentialStore(SecretStore(base.pool, keys: SecretKeys(key)))
            let push = ImagePush(
                catalogue, store: blobs, registries: try RegistryClients(credentials, loop: loop),
                identities: base.identities)
            let activities = Activities(base.pool, loop: loop)
            let worker = ActivityWorker(activities, name: "test", handlers: [push])
            let logger = environment.logger
            var routes = AccessRoutes(base.access) { logger.error("a route failed", ["error": .string("\($0)")]) }
            try DistributionRoutes(
                catalogue, store: blobs, key: key.derived(for: "image tickets"), settings: settings.images
            ).add(to: &routes)
            let commands = Commands(
                shelf: ImageShelf(base.pool, blobs, environment.pool), push: push, credentials: credentials,
                activities: activities, identities: base.identities)
            return try base.parts(
                settings.host, in: environment, offer: Offer(services: [], descriptors: [], routes: routes),
                workers: [
                    ClosureService("activities") {
                        StopSignal.started()
                        try await activities.run()
                    }, worker,
                    ClosureService("commands", whenEnded: .isFine) {
                        StopSignal.started()
                        await commands.run()
                    },
                ])
        }
    }
}
