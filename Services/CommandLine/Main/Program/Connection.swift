import Access
import CommandLineKit
import Contracts
import HTTP
import Loop
import RPC
import ServiceKit

/// The way to a suite's services. Connects to each with the first call to it.
struct Connection: Sendable {
    let target: Target
    let loop: EventLoop
    private let registry: NetworkChannel
    private let imageBuilder: NetworkChannel
    private let eventsService: NetworkChannel
    private let deployer: NetworkChannel

    init(_ target: Target) throws {
        self.target = target
        let loops = try LoopGroup(count: 1)
        try loops.start()
        loop = loops.next()
        registry = try Connection.channel(to: .registry, target, loops)
        imageBuilder = try Connection.channel(to: .images, target, loops)
        eventsService = try Connection.channel(to: .events, target, loops)
        deployer = try Connection.channel(to: .deployments, target, loops)
    }

    private static func channel(
        to service: SuiteService, _ target: Target, _ loops: LoopGroup
    ) throws -> NetworkChannel {
        let place = target.place(of: service)
        var configuration = ChannelConfiguration()
        configuration.userAgent = "slipway-cli/\(SlipwayProgram.version)"
        configuration.messageBytes = 256 << 20
        configuration.interceptors = [
            Reaching(service: service, place: place),
            ClientCredentials(token: place.token, workspace: target.workspace),
        ]
        if place.server.isSecure {
            configuration.tls = try TLSContext(TLSConfiguration(authorityFile: target.authorities), role: .client)
        }
        return NetworkChannel(place.server.address, loops: loops, configuration: configuration)
    }

    var workspaces: Slipway.Workspaces.V1.Workspaces.Client { .init(registry) }
    var principals: Slipway.Principals.V1.Principals.Client { .init(registry) }
    var tokens: Slipway.Tokens.V1.Tokens.Client { .init(registry) }
    var audit: Slipway.Audit.V1.Audit.Client { .init(registry) }
    var models: Slipway.Models.V1.Models.Client { .init(registry) }
    var files: Slipway.Models.V1.ModelFiles.Client { .init(registry) }
    var lineage: Slipway.Models.V1.Lineage.Client { .init(registry) }
    var images: Slipway.Images.V1.Images.Client { .init(imageBuilder) }
    var credentials: Slipway.Images.V1.RegistryCredentials.Client { .init(imageBuilder) }
    var events: Slipway.Events.V1.Events.Client { .init(eventsService) }
    var subscriptions: Slipway.Events.V1.Subscriptions.Client { .init(eventsService) }
    var deployments: Slipway.Deployments.V1.Deployments.Client { .init(deployer) }
    var targets: Slipway.Targets.V1.Targets.Client { .init(deployer) }

    /// The long operations of a service; the events service has those of all.
    func activities(of service: SuiteService) -> Slipway.Activities.V1.Activities.Client {
        switch service {
        case .registry: .init(registry)
        case .images: .init(imageBuilder)
        case .events: .init(eventsService)
        case .deployments: .init(deployer)
        }
    }
}
