/// Stands between callers and a channel: credentials, traces, logs, quotas.
///
/// An interceptor may change the request, refuse by throwing before `next`, look at the outcome after it, and replace an
/// error by throwing another. `next` is called at most once: messages are written and read inside it.
public protocol ClientInterceptor: Sendable {
    func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result
}

extension RPCChannel {
    /// The channel behind interceptors; the first sees a call first.
    public func intercepted(by interceptors: [any ClientInterceptor]) -> any RPCChannel {
        interceptors.isEmpty ? self : InterceptedChannel(channel: self, interceptors: interceptors)
    }
}

/// A channel behind interceptors.
struct InterceptedChannel: RPCChannel {
    let channel: any RPCChannel
    let interceptors: [any ClientInterceptor]

    func withCall<Result>(
        _ request: ClientRequest, _ body: (ClientCall) async throws -> Result
    ) async throws -> Result {
        try await run(request, from: 0, body)
    }

    private func run<Result>(
        _ request: ClientRequest, from index: Int, _ body: (ClientCall) async throws -> Result
    ) async throws -> Result {
        guard index < interceptors.count else { return try await channel.withCall(request, body) }
        return try await interceptors[index].intercept(request) { try await run($0, from: index + 1, body) }
    }
}
