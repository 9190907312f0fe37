import HTTP
public import RPC
public import ServiceKit

/// Where another service of the suite is.
public struct ServicePlace: ConfigurationSection {
    public var address: String
    public var isSecure = false
    public var authorities = ""

    public init(_ address: String) { self.address = address }

    public init() { self.init("127.0.0.1:7070") }

    public static func describe(_ keys: inout ConfigurationKeys<ServicePlace>) {
        keys.add("address", \.address, "where the service takes calls: host:port, or unix:/path")
        keys.add("tls", \.isSecure, "whether it is spoken to over TLS")
        keys.add("authorities", \.authorities, "a file with the certificates of who vouches for it; none, the system's")
    }

    /// A channel to the service.
    /// - Parameters:
    ///   - name: of the setting, for whoever has to mend it: `registry`.
    ///   - messageBytes: the largest message that is taken.
    /// - Throws: `HostError` for what is no address; what is wrong with the certificates.
    public func channel<Settings>(
        _ name: String, messageBytes: Int = 64 << 20, in environment: ServiceEnvironment<Settings>
    ) throws -> NetworkChannel {
        guard let address = SocketAddress(address) else {
            throw HostError("\(name).address: \"\(address)\" is no address; host:port or unix:/path is one")
        }
        var configuration = ChannelConfiguration()
        configuration.userAgent = "slipway-\(environment.build.service)/\(environment.build.version)"
        configuration.messageBytes = messageBytes
        configuration.resolver = environment.pool
        if isSecure {
            configuration.tls = try TLSContext(
                TLSConfiguration(authorityFile: authorities.isEmpty ? nil : authorities), role: .client)
        }
        return NetworkChannel(address, loops: environment.loops, configuration: configuration)
    }
}
