public import Access
import InferenceContracts
public import RPC
import HTTP

/// Everything that a scorer offers, in all dialects, over the same models and behind the same check.
public struct ScorerOffer: Sendable {
    /// For an `RPCServer`, beside health and reflection.
    public let services: [any RPCService]
    /// For reflection.
    public let descriptors: [ServiceDescriptor]
    /// For the server's fallback.
    public let routes: AccessRoutes
    /// What the services' methods ask, for `AccessInterceptor(_:services:foreign:)`.
    public let requirements: [String: Requirement]

    /// - Parameter onError: hears what went wrong inside the server, for a log.
    /// - Throws: `RouteError` where two dialects want the same route.
    public init(
        _ point: ScoringPoint, access: AccessControl, onError: @escaping @Sendable (any Error) -> Void = { _ in }
    ) throws {
        services = [InferenceService(point)]
        descriptors = [Inference.GRPCInferenceService.descriptor]
        requirements = InferenceService.requirements
        var routes = AccessRoutes(access, onError: onError)
        try V2Routes(point).add(to: &routes)
        try ScoreRoutes(point).add(to: &routes)
        try InvocationRoutes(point).add(to: &routes)
        try DescriptionRoutes(point).add(to: &routes)
        self.routes = routes
    }

    /// The handler of an `HTTPServer`, for a program that needs nothing else of it.
    /// - Parameters:
    ///   - more: services beside the scorer's own, such as health.
    ///   - interceptors: in front of the check.
    public func server(
        _ access: AccessControl, more: [any RPCService] = [], interceptors: [any ServerInterceptor] = [],
        configuration: RPCServerConfiguration = RPCServerConfiguration()
    ) -> RPCServer {
        let services = services + more
        return RPCServer(
            services: services,
            interceptors: interceptors + [AccessInterceptor(access, services: services, foreign: requirements)],
            configuration: configuration, fallback: Routes(routes.table))
    }
}
