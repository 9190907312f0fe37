import Access
import CommandLineKit
import Contracts
import HTTP
import Loop
import RPC
import ServiceKit

/// The way to one registry. Connects with the first call.
struct Connection: Sendable {
    let target: Target
    let loop: EventLoop
    private let channel: NetworkChannel

    init(_ target: Target) throws {
        self.target = target
        let loops = try LoopGroup(count: 1)
        try loops.start()
        loop = loops.next()
        var configuration = ChannelConfiguration()
        configuration.userAgent = "slipway-cli/\(SlipwayProgram.version)"
        configuration.messageBytes = 256 << 20
        configuration.interceptors = [
            Reaching(server: target.server), ClientCredentials(token: target.token, workspace: target.workspace),
        ]
        if target.server.isSecure {
            configuration.tls = try TLSContext(TLSConfiguration(authorityFile: target.authorities), role: .client)
        }
        channel = NetworkChannel(target.server.address, loops: loops, configuration: configuration)
    }

    var workspaces: Slipway.Workspaces.V1.Workspaces.Client { .init(channel) }
    var principals: Slipway.Principals.V1.Principals.Client { .init(channel) }
    var tokens: Slipway.Tokens.V1.Tokens.Client { .init(channel) }
    var audit: Slipway.Audit.V1.Audit.Client { .init(channel) }
    var models: Slipway.Models.V1.Models.Client { .init(channel) }
    var files: Slipway.Models.V1.ModelFiles.Client { .init(channel) }
    var lineage: Slipway.Models.V1.Lineage.Client { .init(channel) }
}

/// Ends calls that take far too long, and says of a server that can't be reached which one it is.
private struct Reaching: ClientInterceptor {
    let server: ServerAddress

    func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        var request = request
        // Streams last as long as there are bytes.
        if request.method.shape == .unary, request.options.timeout == nil { request.options.timeout = .seconds(300) }
        do { return try await next(request) } catch var error as RPCError where error.code == .unavailable {
            error.message = "cannot reach \(server): \(error.message)"
            throw error
        }
    }
}
