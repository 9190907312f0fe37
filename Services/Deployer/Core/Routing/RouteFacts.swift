package import Contracts
internal import Protobuf

/// Everything that a route follows from, as the tables have it.
package struct RouteFacts: Sendable {
    package struct Revision: Sendable {
        package var number: Int32
        package var settings: V1.ReplicaSettings
        /// Those that are ready.
        package var replicas: [Slipway.Routing.V1.RouteReplica]

        package init(number: Int32, settings: V1.ReplicaSettings, replicas: [Slipway.Routing.V1.RouteReplica] = []) {
            self.number = number
            self.settings = settings
            self.replicas = replicas
        }
    }

    package var deployment: Int64
    package var workspace: String
    package var name: String
    package var host: String
    package var security: V1.Security
    package var sealedCertificateKey: [UInt8]?
    package var keys: [Slipway.Routing.V1.RouteKey]
    package var shares: [Slipway.Routing.V1.RouteShare]
    package var servedBefore: Int32
    package var revisions: [Revision]
    /// As last seen.
    package var status: V1.DeploymentStatus

    /// How long requests are held at most while no replica is ready; a request's own time limits it further.
    static let holdMax = Duration.seconds(60)

    /// The route, without its version.
    package var route: Slipway.Routing.V1.Route {
        var route = Slipway.Routing.V1.Route()
        route.deployment = deployment
        route.workspace = workspace
        route.name = name
        route.host = host
        route.access = .init(open: security.authentication == .none, keys: keys)
        if !security.certificatePem.isEmpty, let sealedCertificateKey {
            route.certificate = .init(
                chainPem: security.certificatePem, sealedKey: sealedCertificateKey[...],
                clientAuthoritiesPem: security.clientAuthoritiesPem)
        }
        let ready = Set(revisions.filter { !$0.replicas.isEmpty }.map(\.number))
        route.shares = EffectiveShares(desired: shares, ready: ready, before: servedBefore).shares
        let shared = Set(route.shares.map(\.revision))
        route.revisions = revisions.filter { shared.contains($0.number) || ready.contains($0.number) }
            .sorted { $0.number < $1.number }.map(RouteFacts.revision)
        route.holding = holding
        return route
    }

    private static func revision(_ revision: Revision) -> Slipway.Routing.V1.RouteRevision {
        .init(
            number: revision.number, replicas: revision.replicas.sorted { $0.id < $1.id },
            concurrency: revision.settings.concurrency, timeout: revision.settings.timeout,
            queueWait: revision.settings.queueWait)
    }

    private var holding: Slipway.Routing.V1.RouteHolding {
        let ready = status.conditions.first { $0.type == "Ready" && $0.holds == false }
        let hold = status.state != .failed && status.state != .deleting
        let message = ready?.message ?? ""
        return .init(
            hold: hold, atMost: .init(RouteFacts.holdMax),
            message: message.isEmpty ? "no replica of \(workspace)/\(name) is ready" : message)
    }
}
