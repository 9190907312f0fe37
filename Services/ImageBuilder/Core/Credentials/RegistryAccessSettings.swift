internal import OCI
public import Outbound
public import ServiceKit

/// How other registries are reached: whoever may build or push in a workspace says which, so that this says where to.
public struct RegistryAccessSettings: ConfigurationSection {
    public var plain: [String] = []
    public var allowedNetworks: [String] = []
    public var deniedNetworks: [String] = []
    public var proxy = false
    public var authorities = ""
    public var retries = 3
    public var limit = Duration.seconds(7200)

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<RegistryAccessSettings>) {
        keys.add(
            "plain", \.plain,
            "registries that are spoken to without TLS, as host:port; those of this machine always are")
        keys.add(
            "allowed_networks", \.allowedNetworks,
            "addresses that may be connected to, as 10.0.0.0/8; none, all but what is denied")
        keys.add(
            "denied_networks", \.deniedNetworks,
            "addresses that may not be connected to; link-local ones and clouds' metadata never may")
        keys.add(
            "proxy", \.proxy, "use the proxy that the environment names: then its rules hold for what it connects to")
        keys.add("authorities", \.authorities, "a file of certificates to believe instead of the machine's")
        keys.add("limit", \.limit, "how long a pull or a push may take altogether")
        keys.add("retries", \.retries, "how often is tried again what failed for a passing reason")
    }

    /// - Throws: `RegistryAccessError` naming what is no network.
    public func networks() throws -> OutboundNetworks {
        func parsed(_ texts: [String], _ key: String) throws -> [OutboundNetwork] {
            try texts.map { text in
                guard let network = OutboundNetwork(text) else {
                    throw RegistryAccessError("outside.\(key): \"\(text)\" is no network such as 10.0.0.0/8")
                }
                return network
            }
        }
        var networks = OutboundNetworks(
            allowed: try parsed(allowedNetworks, "allowed_networks"),
            denied: try parsed(deniedNetworks, "denied_networks"))
        networks.allowsProxy = proxy
        return networks
    }
}

/// A setting that can't be followed, for whoever starts the service.
public struct RegistryAccessError: Error, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
