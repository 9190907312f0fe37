import Blobs
import Contracts
import Identity
import RegistryCore
import ServiceHost
import ServiceKit

/// The registry: workspaces, members and tokens; models, their versions and files.
@main
struct RegistryProgram {
    struct Settings: ConfigurationSection {
        var host = HostSettings()
        var service = KitSettings()

        static func describe(_ keys: inout ConfigurationKeys<Settings>) {
            keys.add("host", \.host)
            keys.add("service", \.service)
        }
    }

    static func main() {
        let build = BuildInformation(service: "registry", version: "0.1.0")
        ServiceProgram.main(build, settings: Settings.self, kit: \.service) { environment in
            let settings = environment.settings.host
            let base = try await Foundations.lay(settings, in: environment, schemas: [RegistrySchema.prepare])
            let offer = Offer(
                services: [
                    WorkspaceService(base.identities), PrincipalService(base.identities), TokenService(base.identities),
                    AuditService(base.pool),
                ],
                descriptors: [
                    Slipway.Workspaces.V1.Workspaces.descriptor, Slipway.Principals.V1.Principals.descriptor,
                    Slipway.Tokens.V1.Tokens.descriptor, Slipway.Audit.V1.Audit.descriptor,
                ])
            return try base.parts(settings, in: environment, offer: offer)
        }
    }
}
