import HTTP
import Loop

/// A server as a service: it has started when it listens, and stops by finishing what is under way.
public struct HTTPServerService: Service {
    public let serviceName: String
    public let server: HTTPServer
    private let grace: Duration
    private let onListening: @Sendable ([SocketAddress]) -> Void

    public var startTimeout: Duration? { .seconds(30) }

    /// - Parameters:
    ///   - grace: how long requests under way may take when it stops; less than the group's.
    ///   - onListening: told the addresses, with the ports that the system chose.
    public init(
        _ name: String, _ server: HTTPServer, grace: Duration = .seconds(20),
        onListening: @escaping @Sendable ([SocketAddress]) -> Void = { _ in }
    ) {
        serviceName = name
        self.server = server
        self.grace = grace
        self.onListening = onListening
    }

    public func run() async throws {
        try await server.start()
        onListening(server.addresses)
        StopSignal.started()
        do { try await StopSignal.wait() } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
        await server.shutdown(grace: grace)
    }
}
