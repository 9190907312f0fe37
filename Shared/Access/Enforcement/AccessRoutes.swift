import HTTP
import RPC

/// Plain routes behind the same point as calls. None can be added without saying what it asks.
///
///     var routes = AccessRoutes(control)
///     try routes.add(.get, "/v1/blobs/{digest}", requires: .workspace(.reader)) { request, caller, responder in … }
///     let handler = Routes(routes.table)
public struct AccessRoutes: Sendable {
    public typealias Handle = @Sendable (HTTPRequest, Caller, HTTPResponder) async throws -> Void

    /// The routes so far. What is added to the table itself is for anyone.
    public private(set) var table = RouteTable<any RouteHandler>()
    private let control: AccessControl
    private let onError: @Sendable (any Error) -> Void

    /// - Parameter onError: hears every error that a handler throws, for a log.
    public init(_ control: AccessControl, onError: @escaping @Sendable (any Error) -> Void = { _ in }) {
        self.control = control
        self.onError = onError
    }

    /// Adds a route. A pattern with `{workspace}` says by its path which workspace a request is about, and the field
    /// `slipway-workspace` does where it has none. Errors of calls that `handle` throws are answered as such.
    public mutating func add(
        _ method: HTTPMethod, _ pattern: String, requires requirement: Requirement, _ handle: @escaping Handle
    ) throws(RouteError) {
        let handler = AsyncHandler(onError: onError) { [control] request, responder in
            do {
                let caller = try await control.authorize(
                    requirement, fields: request.head.fields, peer: request.peer,
                    workspace: request.parameters["workspace"], for: "\(method) \(pattern)")
                try await handle(request, caller, responder)
            } catch let error as RPCError {
                throw HTTPFailure(error)
            } catch let error as any RPCErrorConvertible {
                throw HTTPFailure(error.rpcError)
            }
        }
        try table.add(method, pattern, handler)
    }
}

extension HTTPFailure {
    /// A call's error as a plain route answers it.
    public init(_ error: RPCError) {
        var fields = HeaderFields()
        for name in ["www-authenticate", "retry-after"] {
            if let value = error.metadata[name] { fields.add(name, value) }
        }
        self.init(status: error.httpStatus, code: error.code.name, message: error.message, fields: fields)
    }
}
