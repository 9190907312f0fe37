import HTTP
import Loop

/// One address of a channel on one loop: at most one connection that takes calls, and the way to get it.
final class Subchannel: CallRoute, @unchecked Sendable {
    let address: SocketAddress
    let scheme: String
    let authority: String
    /// Others exist only because one HTTP/1.1 connection carries one call at a time.
    let isPrimary: Bool
    var connectivity: Connectivity
    var connection: HTTPClientConnection?
    /// The attempt under way.
    var candidate: HTTPClientConnection?
    /// Connections that take no more calls and still carry some.
    var leaving: [HTTPClientConnection] = []
    var timer: LoopTimer?
    /// Why the last attempt failed.
    var lastError: String?
    private var wasUseful = false

    init(address: SocketAddress, configuration: ChannelConfiguration, isPrimary: Bool) {
        self.address = address
        self.isPrimary = isPrimary
        scheme = configuration.tls == nil ? "http" : "https"
        authority = configuration.authority ?? Subchannel.authority(of: address, configuration)
        connectivity = Connectivity(backoff: configuration.backoff)
    }

    private static func authority(of address: SocketAddress, _ configuration: ChannelConfiguration) -> String {
        let serverName = configuration.tls?.configuration.serverName
        switch address {
        case .tcp(_, let port): return serverName.map { "\($0):\(port)" } ?? address.description
        case .unix: return serverName ?? "localhost"
        }
    }

    var canTakeCall: Bool { connectivity.state == .ready && (connection?.openCapacity ?? 0) > 0 }

    func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool) -> HTTPStream? {
        connection?.open(request, receiver: receiver, end: end)
    }

    func heard() { wasUseful = true }

    func connected(_ connection: HTTPClientConnection) {
        self.connection = connection
        candidate = nil
        wasUseful = false
    }

    /// The connection takes no more calls. Whether it was good for something.
    func connectionLost() -> Bool {
        if let connection, !connection.isClosed { leaving.append(connection) }
        connection = nil
        return wasUseful
    }

    /// Forgets connections that have closed meanwhile. True where none is left.
    func forgetClosed() -> Bool {
        leaving.removeAll { $0.isClosed }
        if let connection, connection.isClosed { self.connection = nil }
        return leaving.isEmpty && connection == nil
    }
}
