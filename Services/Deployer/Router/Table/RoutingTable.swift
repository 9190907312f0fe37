import Access
import HTTP

/// Everything that routing goes by at one moment. Never changed: each loop holds one and is given the next, so that a
/// request sees one whole table, without a lock.
public final class RoutingTable: Sendable {
    let endpoints: [Int64: Endpoint]
    private let byName: [EndpointName: Endpoint]
    private let byHost: [String: Endpoint]
    /// Which deployments a key opens, for those who ask with it for one that is not there.
    private let byKey: [SHA256Digest: [Endpoint]]
    /// Every replica that may get requests.
    let replicas: Set<ObjectIdentifier>
    /// `NAME.WORKSPACE.` stands before it.
    let domain: String

    public static let empty = RoutingTable([], domain: "")

    init(_ list: [Endpoint], domain: String) {
        self.domain = domain
        endpoints = Dictionary(list.map { ($0.deployment, $0) }, uniquingKeysWith: { $1 })
        byName = Dictionary(list.map { ($0.name, $0) }, uniquingKeysWith: RoutingTable.newer)
        byHost = Dictionary(
            list.compactMap { endpoint in endpoint.host.map { ($0, endpoint) } }, uniquingKeysWith: RoutingTable.older)
        var byKey: [SHA256Digest: [Endpoint]] = [:]
        for endpoint in list { for key in endpoint.access.keys { byKey[key.digest, default: []].append(endpoint) } }
        self.byKey = byKey
        replicas = Set(list.flatMap { $0.revisions.flatMap { $0.replicas.map { ObjectIdentifier($0.memory) } } })
    }

    /// A name can be given again before the former deployment's route is gone.
    private static func newer(_ left: Endpoint, _ right: Endpoint) -> Endpoint {
        left.deployment > right.deployment ? left : right
    }

    /// A host that is taken stays with whom it belongs to.
    private static func older(_ left: Endpoint, _ right: Endpoint) -> Endpoint {
        left.deployment < right.deployment ? left : right
    }

    /// How many deployments there are.
    public var count: Int { endpoints.count }

    /// The versions that the table was made of.
    public var versions: [Int64: Int64] { endpoints.mapValues(\.version) }

    func endpoint(named name: EndpointName) -> Endpoint? { byName[name] }

    /// The deployment of a host: its own, or what `NAME.WORKSPACE.DOMAIN` says. `name` is what was said, also where there is
    /// no such deployment.
    func endpoint(at host: String) -> (endpoint: Endpoint?, name: EndpointName?) {
        if let own = byHost[host] { return (own, own.name) }
        guard !domain.isEmpty, host.count > domain.count + 1, host.hasSuffix(domain) else { return (nil, nil) }
        let front = host.dropLast(domain.count)
        guard front.hasSuffix(".") else { return (nil, nil) }
        let parts = front.dropLast().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return (nil, nil) }
        let name = EndpointName(workspace: String(parts[1]), name: String(parts[0]))
        return (byName[name], name)
    }

    /// What a key opens now.
    func endpoints(openedBy digest: SHA256Digest, now: Int64) -> [Endpoint] {
        (byKey[digest] ?? []).filter { $0.access.name(of: digest, now: now) != nil }
    }

    /// The certificate to show to who asks for a name.
    func certificate(for host: String) -> TLSContext? {
        endpoint(at: EndpointAddress.host(of: host)).endpoint?.tls?.context
    }
}
