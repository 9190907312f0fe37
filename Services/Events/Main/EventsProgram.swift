import Access
import Activities
import ActivityService
import Contracts
import EventsCore
import Glibc
import Identity
import Leases
import Loop
import Postgres
import ResourceKit
import Secrets
import ServiceHost
import ServiceKit

/// Events: what happened, told to whoever wants to know.
@main
struct EventsProgram {
    struct Settings: ConfigurationSection {
        var host = HostSettings(listen: "127.0.0.1:7073")
        var delivery = DeliverySettings()
        var relay = RelaySettings()
        /// 64 hexadecimal digits.
        var secretKey = Secret("")
        var service = KitSettings()

        static func describe(_ keys: inout ConfigurationKeys<Settings>) {
            keys.add("host", \.host)
            keys.add("delivery", \.delivery)
            keys.add("relay", \.relay)
            keys.add(
                "secret_key", \.secretKey,
                "what secrets are encrypted with: 64 hexadecimal digits; none, the file secret-key in the data folder")
            keys.add("service", \.service)
        }
    }

    static func main() {
        let build = BuildInformation(service: "events", version: "0.1.0")
        ServiceProgram.main(build, settings: Settings.self, kit: \.service) { environment in
            let settings = environment.settings
            let base = try await Foundations.lay(
                settings.host, in: environment,
                schemas: [Activities.prepare, SecretStore.prepare, EventsSchema.prepare])
            let key =
                settings.secretKey.reveal().isEmpty
                ? try SecretKey.load(file: "\(base.data)/secret-key") : try SecretKey(settings.secretKey)
            let secrets = SecretStore(base.pool, keys: SecretKeys(key))
            try await secrets.check()

            let loop = environment.loops.next()
            let mapping = EventTypes()
            let filters = EventFilterParser()
            let outside = ComputePool(threads: 4, queueLimit: 4096, name: "outside")
            let sender = EventSender(loops: environment.loops, pool: outside, settings: settings.delivery.sending)
            let feed = JournalFeed(base.pool, mapping: mapping, loop: loop)
            let relay = RelayService(
                base.pool,
                parts: .init(
                    sender: sender, retry: RetryRules(), circuit: { CircuitRules() }, settings: settings.relay,
                    metrics: RelayMetrics(environment.metrics), logger: environment.logger),
                feed: feed, mapping: mapping, filters: filters, secrets: secrets, holder: holder(), loop: loop)
            let store = SubscriptionStore(
                base.pool, secrets: secrets, filters: filters, sender: sender, mapping: mapping,
                allowsUnvalidated: settings.delivery.unvalidated)
            let activities = Activities(base.pool, loop: environment.loops.next())
            let watcher = ActivityWatcher(base.pool, activities: activities, loop: environment.loops.next())

            let offer = Offer(
                services: [
                    EventsService(base.pool, feed: feed, mapping: mapping, filters: filters, watcher: watcher),
                    SubscriptionsService(store),
                    ActivityService(
                        activities, workspace: { try $0.workspace.name }, actor: { $0.caller.actor }),
                ],
                descriptors: [
                    Slipway.Events.V1.Events.descriptor, Slipway.Events.V1.Subscriptions.descriptor,
                    Slipway.Activities.V1.Activities.descriptor,
                ])
            let sending = ClosureService("sending", startTimeout: .seconds(10)) {
                try outside.start()
                defer { outside.stop() }
                StopSignal.started()
                try await StopSignal.wait()
                await sender.close()
            }
            let following = ClosureService("activities") { try await activities.run() }
            return try base.parts(
                settings.host, in: environment, offer: offer, workers: [sending, following, watcher, relay])
        }
    }

    /// Names this process among all that ever were.
    private static func holder() -> String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = name.withUnsafeBufferPointer { buffer in buffer.baseAddress.map { String(cString: $0) } ?? "" }
        return "\(host)-\(getpid())-\(PostgresUUID.random())"
    }
}
