public import Access
internal import Contracts
public import Identity
public import RPC

/// The way to the registry: each call in the name of somebody, in their workspace.
public struct RegistryGateway: Sendable {
    private let gateway: ServiceGateway

    /// - Parameter channel: bare; calls are signed here.
    public init(_ channel: any RPCChannel, delegation: Delegation) {
        gateway = ServiceGateway(channel, name: "registry", delegation: delegation)
    }

    /// The registry as that principal may use it.
    public func acting(for principal: EntityID, in workspace: Workspace) -> RegistryCalls {
        RegistryCalls(channel: gateway.acting(for: principal, in: workspace))
    }
}

/// What the builder asks of the registry.
public struct RegistryCalls: Sendable {
    let channel: any RPCChannel

    var models: Slipway.Models.V1.Models.Client { .init(channel) }
    var files: Slipway.Models.V1.ModelFiles.Client { .init(channel) }
    var lineage: Slipway.Models.V1.Lineage.Client { .init(channel) }
}
