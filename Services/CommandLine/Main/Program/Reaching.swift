import CommandLineKit
import RPC

/// Ends calls that take far too long, and says of a service that can't be reached which one it is and how to tell where
/// it is.
struct Reaching: ClientInterceptor {
    let service: SuiteService
    let place: Target.Place

    func intercept<Result>(
        _ request: ClientRequest, next: (ClientRequest) async throws -> Result
    ) async throws -> Result {
        var request = request
        // Streams last as long as there are bytes.
        if request.method.shape == .unary, request.options.timeout == nil { request.options.timeout = .seconds(300) }
        do { return try await next(request) } catch let error as RPCError { throw explained(error) }
    }

    func explained(_ error: RPCError) -> RPCError {
        var error = error
        switch error.code {
        case .unavailable:
            let hint = place.isTold && service != .registry ? "" : "\n\(service.remedy)"
            error.message = "cannot reach the \(service.title) at \(place.server): \(error.message)\(hint)"
        case .unimplemented where !place.isTold:
            // Where all is behind one server, that need not have everything.
            error.message = "\(place.server) has no \(service.title)\n\(service.remedy)"
        case .unauthenticated where place.token == nil && place.isTold && service != .registry:
            error.message += "\na saved token goes only to addresses of its context: \(service.remedy)"
        default: break
        }
        return error
    }
}
