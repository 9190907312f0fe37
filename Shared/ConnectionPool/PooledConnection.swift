import Loop

/// What a pool keeps. Everything here is called on the connection's loop.
public protocol PooledConnection: AnyObject, Sendable {
    /// False where the connection broke or was left in a state that the next caller must not see.
    var isReusable: Bool { get }
    /// Finds out whether the other side still answers. Must end by itself.
    func check(_ completion: @escaping (Bool) -> Void)
    func close()
    /// The pool hears of a connection that closes by itself.
    func onClose(_ body: @escaping () -> Void)
}

/// Makes the connections of a pool.
public protocol PoolConnector: Sendable {
    associatedtype Connection: PooledConnection

    /// Connects on the loop and calls `completion` once, there. Must end by itself.
    func connect(on loop: EventLoop, _ completion: @escaping @Sendable (Result<Connection, PoolConnectFailure>) -> Void)
}

/// Why there is no connection.
public struct PoolConnectFailure: Error, CustomStringConvertible {
    public let cause: any Error
    /// Trying again will not help: those who wait are told at once.
    public let isPermanent: Bool

    public init(_ cause: any Error, isPermanent: Bool) {
        self.cause = cause
        self.isPermanent = isPermanent
    }

    public var description: String { "\(cause)" }
}

/// What a pool keeps to, for each of its loops.
public struct PoolLimits: Sendable {
    /// Held open even when idle, from `run` on.
    public var connectionsMin = 0
    public var connectionsMax = 8
    /// The next caller after as many wait is refused at once.
    public var waitersMax = 1000
    public var acquireTimeout = Duration.seconds(10)
    /// An idle connection above the minimum is closed after it.
    public var idleTimeout = Duration.seconds(60)
    /// A connection is replaced after it, and up to a tenth earlier, so that not all go at once.
    public var lifetime = Duration.seconds(3600)
    /// A connection idle for longer is checked before it is lent.
    public var checkAfter = Duration.seconds(10)
    /// The pause after a connection that could not be made doubles between these.
    public var backoffMin = Duration.milliseconds(50)
    public var backoffMax = Duration.seconds(2)

    public init() {}
}

/// Why a pool lends nothing.
public enum PoolError: Error, CustomStringConvertible {
    case tooManyWaiting(limit: Int, connections: Int)
    case timedOut(after: Duration, connections: Int, lastFailure: (any Error)?)
    case cannotConnect(any Error)
    case closed

    public var description: String {
        switch self {
        case .tooManyWaiting(let limit, let connections):
            "all \(connections) connections are taken and \(limit) callers wait already"
        case .timedOut(let duration, let connections, let failure):
            "no connection became free within \(duration) (\(connections) are open)"
                + (failure.map { "; the last attempt to connect: \($0)" } ?? "")
        case .cannotConnect(let cause): "\(cause)"
        case .closed: "the pool is closed"
        }
    }
}
