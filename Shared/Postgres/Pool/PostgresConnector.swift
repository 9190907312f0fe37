import ConnectionPool
import Loop

/// Makes the pool's connections.
struct PostgresConnector: PoolConnector {
    let configuration: PostgresConfiguration

    func connect(
        on loop: EventLoop, _ completion: @escaping @Sendable (Result<PostgresConnection, PoolConnectFailure>) -> Void
    ) {
        PostgresConnecting.start(configuration, loop: loop) { result in
            completion(
                result.map(PostgresConnection.init).mapError {
                    PoolConnectFailure($0, isPermanent: $0.isPermanentRefusal)
                })
        }
    }
}

extension PostgresError {
    /// What the pool says, in this module's own terms.
    init(_ error: PoolError) {
        switch error {
        case .closed: self.init(.closed, "\(error)")
        case .tooManyWaiting: self.init(.poolExhausted, "\(error)")
        case .timedOut(_, _, let failure?):
            // Nobody took the connections: there were none to be had.
            self.init(.connection, code: (failure as? PostgresError)?.code ?? SQLState(""), "\(error)")
        case .timedOut: self.init(.poolExhausted, "\(error)")
        case .cannotConnect(let cause): self = cause as? PostgresError ?? PostgresError(.connection, "\(cause)")
        }
    }
}
