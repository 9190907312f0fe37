import Access
import Contracts
import DeployerCore
import Leases
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
            try await parts.targets.offerUsual(settings.local.isOffered)
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
