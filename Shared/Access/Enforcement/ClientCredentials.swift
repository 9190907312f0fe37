import RPC
import ServiceKit

/// Signs a channel's calls: with a token, for a workspace, or both.
public struct ClientCredentials: ClientInterceptor {
    private let token: Secret?
    private let workspace: String?

    /// - Parameter workspace: for calls that name none themselves.
    public init(token: Secret?, workspace: String? = nil) {
        self.token = token
        self.workspace = workspace
    }

    public func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        var request = request
        if let token, request.metadata["authorization"] == nil {
            request.metadata.set("authorization", "Bearer \(token.reveal())")
        }
        if let workspace, request.metadata["slipway-workspace"] == nil {
            request.metadata.set("slipway-workspace", workspace)
        }
        return try await next(request)
    }
}
