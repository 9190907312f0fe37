public import Access
public import RPC

/// The way to another service of the suite: each call in the name of somebody, in their workspace.
public struct ServiceGateway: Sendable {
    private let channel: any RPCChannel
    private let name: String
    private let delegation: Delegation

    /// - Parameters:
    ///   - channel: bare; calls are signed here.
    ///   - name: of the service, for people: `registry`.
    public init(_ channel: any RPCChannel, name: String, delegation: Delegation) {
        self.channel = channel
        self.name = name
        self.delegation = delegation
    }

    /// The service as that principal may use it, as far as contributors may.
    public func acting(for principal: EntityID, in workspace: Workspace) -> any RPCChannel {
        let right = DelegatedRight(principal: principal, workspace: workspace.id, ceiling: .contributor)
        return channel.intercepted(by: [
            GatewayDeadline(name: name), delegation.credentials(for: right, workspace: workspace.name),
        ])
    }
}

/// Ends calls that take far too long, and says of a service that can't be reached which one it is.
private struct GatewayDeadline: ClientInterceptor {
    let name: String

    func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        var request = request
        // Streams last as long as there are bytes.
        if request.method.shape == .unary, request.options.timeout == nil { request.options.timeout = .seconds(60) }
        do { return try await next(request) } catch var error as RPCError where error.code == .unavailable {
            error.message = "the \(name) can't be reached: \(error.message)"
            throw error
        }
    }
}
