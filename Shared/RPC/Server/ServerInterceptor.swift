/// Stands between every call and its handler, whatever the dialect: access, quotas, traces, logs.
///
/// An interceptor may refuse by throwing before `next`, look at the outcome after it, and replace an error by throwing
/// another. Nothing of a unary response has been sent when `next` returns.
public protocol ServerInterceptor: Sendable {
    func intercept(_ context: ServerContext, next: (ServerContext) async throws -> Void) async throws
}
