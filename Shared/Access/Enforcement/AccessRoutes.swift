import HTTP
import RPC

/// Plain routes behind the same point as calls. None can be added without saying what it asks.
///
///     var routes = AccessRoutes(control)
///     try routes.add(.get, "/v1/blobs/{digest}", requires: .workspace(.reader)) { request, caller, responder in … }
///     let handler = Routes(routes.table)
public struct AccessRoutes: Sendable {
    public typealias Handle = @Sendable (HTTPRequest, Caller, HTTPResponder) async throws -> Void
    /// Answers an error. What it throws itself is answered in the usual form.
    public typealias Failing = @Sendable (any Error, HTTPRequest, HTTPResponder) async throws -> Void

    /// Finds a request's token where clients carry it in their own way; nil where there is none.
    public typealias Proving = @Sendable (HTTPRequest) throws -> TokenProof?

    /// The routes so far. What is added to the table itself is for anyone.
    public private(set) var table = RouteTable<any RouteHandler>()
    public let control: AccessControl
    private let onError: @Sendable (any Error) -> Void

    /// - Parameter onError: hears every error that a handler throws, for a log.
    public init(_ control: AccessControl, onError: @escaping @Sendable (any Error) -> Void = { _ in }) {
        self.control = control
        self.onError = onError
    }

    /// Whether everybody is let in without showing anything.
    public var isOpen: Bool { control.isOpen }

    /// Adds a route. A pattern with `{workspace}` says by its path which workspace a request is about, and the field
    /// `slipway-workspace` does where it has none. Errors of calls that `handle` throws are answered as such.
    /// - Parameters:
    ///   - proving: finds the caller's token; as calls carry it where nil.
    ///   - failing: answers refusals and errors in a form that the route's clients know; the usual one where nil.
    public mutating func add(
        _ method: HTTPMethod, _ pattern: String, requires requirement: Requirement, proving: Proving? = nil,
        failing: Failing? = nil, _ handle: @escaping Handle
    ) throws(RouteError) {
        let subject = "\(method) \(pattern)"
        let decide: @Sendable (HTTPRequest) async throws -> Caller = { [control] request in
            let workspace = request.parameters["workspace"]
            if let proving {
                // Where nobody is asked, nothing that is shown can be wrong.
                let token = control.isOpen ? nil : try proving(request)
                return try await control.authorize(
                    requirement, token: token, peer: request.peer, workspace: workspace, for: subject)
            }
            return try await control.authorize(
                requirement, fields: request.head.fields, peer: request.peer, workspace: workspace, for: subject)
        }
        let handler = AsyncHandler(onError: onError) { request, responder in
            do {
                try await handle(request, try await decide(request), responder)
            } catch {
                guard let failing else { throw AccessRoutes.plain(error) }
                try await failing(error, request, responder)
            }
        }
        try table.add(method, pattern, handler)
    }

    /// Errors of calls as plain routes answer them; others as they are.
    private static func plain(_ error: any Error) -> any Error {
        switch error {
        case let error as RPCError: HTTPFailure(error)
        case let error as any RPCErrorConvertible: HTTPFailure(error.rpcError)
        default: error
        }
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
