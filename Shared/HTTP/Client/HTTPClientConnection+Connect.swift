import Glibc
import Loop

/// An address in the kernel's form: its name, if it had one, was looked up.
public struct ResolvedAddress: Sendable, CustomStringConvertible {
    /// What was looked up.
    public let address: SocketAddress
    let raw: RawAddress

    public var description: String { raw.text }
}

extension SocketAddress {
    /// True where connecting needs a name server first.
    public var needsLookup: Bool {
        guard case .tcp(let host, _) = self else { return false }
        var v4 = in_addr()
        var v6 = in6_addr()
        return inet_pton(AF_INET, host, &v4) != 1 && inet_pton(AF_INET6, host, &v6) != 1
    }

    /// Every address behind this one. Blocks while a name is looked up: call it off the loops where `needsLookup`.
    /// - Throws: `SocketError` where there is none.
    public func resolve() throws(SocketError) -> [ResolvedAddress] {
        try RawAddress.resolve(self, passive: false).map { ResolvedAddress(address: self, raw: $0) }
    }
}

extension HTTPClientConnection {
    /// Begins to connect, on the loop's thread. `completion` is called once, there, possibly before this returns; the
    /// connection is then open, or gone.
    /// - Parameters:
    ///   - tls: a context of role `.client`; plain text where nil.
    ///   - authority: what requests will be addressed to: the server must prove that name, unless the TLS configuration
    ///     says another. The address's host where nil.
    /// - Returns: the connection that is being made, to be closed where it is not wanted any more; nil where it failed.
    @discardableResult
    public static func connect(
        to address: ResolvedAddress, tls: TLSContext?, authority: String? = nil, speaking wanted: ClientProtocol,
        limits: HTTPLimits, statistics: HTTPStatistics, loop: EventLoop,
        completion: @escaping (Result<HTTPClientConnection, any Error>) -> Void
    ) -> HTTPClientConnection? {
        let serverName = authority.flatMap { SocketAddress(authority: $0, defaultPort: 0)?.hostName }
        do {
            return try start(
                to: address.raw, address: address.address, tls: tls, serverName: serverName, wanted: wanted,
                limits: limits, statistics: statistics, loop: loop
            ) { connection, result in completion(result.map { connection }) }
        } catch {
            completion(.failure(error))
            return nil
        }
    }
}
