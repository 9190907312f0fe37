/// Which addresses somebody may have us connect to, for clients that look names up themselves: whoever names a server that we
/// send something to could otherwise name the house's own, or the machine's. `OutboundNetworks` is for servers that those who
/// run the suite chose.
public struct AddressPolicy: Sendable {
    /// Everything.
    public static let unrestricted = AddressPolicy(isRestricted: false, networks: [], hosts: [])
    /// What is reachable from everywhere alone.
    public static let publicOnly = AddressPolicy(isRestricted: true, networks: [], hosts: [])

    public let isRestricted: Bool
    /// Reachable all the same.
    private let networks: [OutboundNetwork]
    private let hosts: Set<String>

    private init(isRestricted: Bool, networks: [OutboundNetwork], hosts: Set<String>) {
        self.isRestricted = isRestricted
        self.networks = networks
        self.hosts = hosts
    }

    /// What is reachable from everywhere, and what is listed.
    /// - Parameter entries: networks, addresses or names of hosts: `10.1.0.0/16`, `127.0.0.1`, `hooks.internal`. A name
    ///   allows whatever address it has.
    public init(allowing entries: [String]) {
        let networks = entries.map { OutboundNetwork($0) }
        self.init(
            isRestricted: true, networks: networks.compactMap(\.self),
            hosts: Set(zip(entries, networks).filter { $0.1 == nil }.map { AddressPolicy.plain($0.0) }))
    }

    /// Why an address must not be connected to; nil where it may be.
    /// - Parameter host: what was asked for; nil where that is not known.
    public func refusal(of address: IPAddress, host: String? = nil) -> String? {
        guard isRestricted else { return nil }
        if let host, hosts.contains(AddressPolicy.plain(host)) { return nil }
        if networks.contains(where: { $0.contains(address.bytes) }) { return nil }
        if let embedded = address.embedded { return refusal(of: embedded) }
        guard let special = AddressPolicy.special(address) else { return nil }
        return "\(address) is \(special), which the settings do not allow"
    }

    private static func plain(_ host: String) -> String {
        let host = host.lowercased()
        return host.last == "." ? String(host.dropLast()) : host
    }

    private static func special(_ address: IPAddress) -> String? {
        if let found = table.first(where: { $0.network.contains(address.bytes) }) {
            return "\(found.what) (\(found.network))"
        }
        // Everything that is given out lies in one block; what is outside of it is nobody's.
        if address.bytes.count == 16, address.bytes[0] & 0xe0 != 0x20 { return "not a public address" }
        return nil
    }

    private static let table: [(network: OutboundNetwork, what: String)] = [
        ("0.0.0.0/8", "this machine"), ("10.0.0.0/8", "in a private network"),
        ("100.64.0.0/10", "in a provider's own network"), ("127.0.0.0/8", "this machine"),
        ("168.63.129.16/32", "a cloud's own service"),
        ("169.254.0.0/16", "a link's own, where clouds tell their secrets"),
        ("172.16.0.0/12", "in a private network"), ("192.0.0.0/24", "for protocols"),
        ("192.0.2.0/24", "for documents"), ("192.88.99.0/24", "a relay between versions"),
        ("192.168.0.0/16", "in a private network"), ("198.18.0.0/15", "for measurements"),
        ("198.51.100.0/24", "for documents"), ("203.0.113.0/24", "for documents"), ("224.0.0.0/4", "a group"),
        ("240.0.0.0/4", "nobody's"), ("::/128", "this machine"), ("::1/128", "this machine"),
        ("64:ff9b:1::/48", "a translated private network"), ("fc00::/7", "in a private network"),
        ("fe80::/10", "a link's own"), ("fec0::/10", "in a private network"), ("ff00::/8", "a group"),
        ("2001::/23", "for protocols"), ("2001:db8::/32", "for documents"), ("2002::/16", "a relay between versions"),
        ("3fff::/20", "for documents"),
    ].compactMap { entry in OutboundNetwork(entry.0).map { ($0, entry.1) } }
}
