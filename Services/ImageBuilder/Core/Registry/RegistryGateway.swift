public import Access
internal import Contracts
public import Identity
public import RPC

/// The way to the registry: each call in the name of somebody, in their workspace.
public struct RegistryGateway: Sendable {
    private let channel: any RPCChannel
    private let delegation: Delegation

    /// - Parameter channel: bare; calls are signed here.
    public init(_ channel: any RPCChannel, delegation: Delegation) {
        self.channel = channel
        self.delegation = delegation
    }

    /// The registry as that principal may use it.
    public func acting(for principal: EntityID, in workspace: Workspace) -> RegistryCalls {
        let right = DelegatedRight(principal: principal, workspace: workspace.id, ceiling: .contributor)
        return RegistryCalls(
            channel: channel.intercepted(by: [
                RegistryDeadline(), delegation.credentials(for: right, workspace: workspace.name),
            ]))
    }
}

/// What the builder asks of the registry.
public struct RegistryCalls: Sendable {
    let channel: any RPCChannel

    var models: Slipway.Models.V1.Models.Client { .init(channel) }
    var files: Slipway.Models.V1.ModelFiles.Client { .init(channel) }
    var lineage: Slipway.Models.V1.Lineage.Client { .init(channel) }
}

/// Ends calls that take far too long, and says of a registry that can't be reached that it is the registry.
private struct RegistryDeadline: ClientInterceptor {
    func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        var request = request
        // Streams last as long as there are bytes.
        if request.method.shape == .unary, request.options.timeout == nil { request.options.timeout = .seconds(60) }
        do { return try await next(request) } catch var error as RPCError where error.code == .unavailable {
            error.message = "the registry can't be reached: \(error.message)"
            throw error
        }
    }
}
