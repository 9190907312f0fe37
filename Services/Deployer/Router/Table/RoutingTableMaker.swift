import Access
public import Contracts
import HTTP
import Protobuf

/// Makes tables of routes. What a route says wrong costs what it is about and nothing else: a replica without a usable
/// address or key gets no requests, a certificate that can't be used is shown to nobody.
///
/// Resolves host names, so it may block; one at a time.
public struct RoutingTableMaker: Sendable {
    /// Opens what routes hold sealed.
    public struct Unsealing: Sendable {
        let replicaKey: @Sendable (_ sealed: [UInt8], _ replica: String) throws -> [UInt8]
        let certificateKey: @Sendable (_ sealed: [UInt8], _ deployment: Int64) throws -> [UInt8]

        public init(
            replicaKey: @escaping @Sendable (_ sealed: [UInt8], _ replica: String) throws -> [UInt8],
            certificateKey: @escaping @Sendable (_ sealed: [UInt8], _ deployment: Int64) throws -> [UInt8]
        ) {
            self.replicaKey = replicaKey
            self.certificateKey = certificateKey
        }
    }

    /// What is wrong with a route, for a log.
    public struct Problem: Sendable, CustomStringConvertible {
        public let deployment: String
        public let reason: String
        public var description: String { "\(deployment): \(reason)" }
    }

    let domain: String
    let unsealing: Unsealing
    let defaults: RouteDefaults

    public init(domain: String, unsealing: Unsealing, defaults: RouteDefaults = RouteDefaults()) {
        self.domain = domain.lowercased()
        self.unsealing = unsealing
        self.defaults = defaults
    }

    /// - Parameter previous: the table in use: what did not change is taken from it, and what was counted goes on.
    public func table(
        of routes: [Slipway.Routing.V1.Route], after previous: RoutingTable = .empty
    ) -> (table: RoutingTable, problems: [Problem]) {
        var problems: [Problem] = []
        let endpoints = routes.map { route -> Endpoint in
            let former = previous.endpoints[route.deployment]
            if let former, former.version == route.version { return former }
            let subject = "\(route.workspace)/\(route.name)"
            return endpoint(route, former) { problems.append(Problem(deployment: subject, reason: $0)) }
        }
        return (RoutingTable(endpoints, domain: domain), problems)
    }

    private func endpoint(
        _ route: Slipway.Routing.V1.Route, _ former: Endpoint?, _ complain: (String) -> Void
    ) -> Endpoint {
        let memory = former?.memory ?? EndpointMemory(deployment: route.deployment)
        let revisions = route.revisions.sorted { $0.number < $1.number }.map { revision($0, memory, complain) }
        memory.keep(replicas: Set(route.revisions.flatMap { $0.replicas.map(\.id) }))
        let known = Set(revisions.map(\.number))
        let shares = route.shares.filter { share in
            if known.contains(share.revision) { return true }
            if share.percent > 0 { complain("revision \(share.revision) has a share and is not there") }
            return false
        }
        let plan = SharePlan(shares.map { ($0.revision, Int($0.percent)) })
        return Endpoint(
            deployment: route.deployment, version: route.version,
            name: EndpointName(workspace: route.workspace, name: route.name),
            host: route.host.isEmpty ? nil : EndpointAddress.host(of: route.host),
            access: EndpointAccess(route.access), tls: certificate(route, complain), plan: plan, revisions: revisions,
            holding: Endpoint.Holding(
                holds: route.holding?.hold ?? false,
                atMost: route.holding?.atMost.map { Duration($0) } ?? defaults.hold,
                message: route.holding?.message ?? ""), memory: memory)
    }

    private func revision(
        _ revision: Slipway.Routing.V1.RouteRevision, _ memory: EndpointMemory, _ complain: (String) -> Void
    ) -> Revision {
        let replicas = revision.replicas.compactMap { replica -> Replica? in
            do { return try self.replica(replica, memory) } catch {
                complain("replica \(replica.id) gets no requests: \(error)")
                return nil
            }
        }
        return Revision(
            number: revision.number, replicas: replicas, concurrency: max(0, Int(revision.concurrency)),
            timeout: positive(revision.timeout) ?? defaults.timeout,
            queueWait: revision.queueWait.map { Duration($0) } ?? defaults.queueWait,
            queueLength: revision.queueLength > 0 ? Int(revision.queueLength) : defaults.queueLength,
            memory: memory.revision(revision.number))
    }

    private func positive(_ duration: Google.Protobuf.Duration?) -> Duration? {
        guard let duration, Duration(duration) > .zero else { return nil }
        return Duration(duration)
    }

    private func replica(_ replica: Slipway.Routing.V1.RouteReplica, _ memory: EndpointMemory) throws -> Replica {
        guard let address = SocketAddress(replica.address) else {
            throw RouteFault("\"\(replica.address)\" is no address")
        }
        guard let resolved = try address.resolve().first else { throw RouteFault("\(address) leads nowhere") }
        var authorization: String?
        if !replica.sealedKey.isEmpty {
            let key = try unsealing.replicaKey(Array(replica.sealedKey), replica.id)
            authorization = "Bearer \(String(decoding: key, as: UTF8.self))"
        }
        return Replica(
            id: replica.id, address: resolved, authorization: authorization,
            memory: memory.replica(replica.id, at: replica.address))
    }

    private func certificate(_ route: Slipway.Routing.V1.Route, _ complain: (String) -> Void) -> EndpointTLS? {
        guard let certificate = route.certificate else { return nil }
        let authorities = certificate.clientAuthoritiesPem
        let isMutual = !authorities.isEmpty
        let whom = isMutual ? SHA256Digest(of: Array(authorities.utf8)).hexadecimal : "anybody"
        let name = "\(route.deployment) for \(whom)"
        do {
            let key = try unsealing.certificateKey(Array(certificate.sealedKey), route.deployment)
            var configuration = TLSConfiguration()
            configuration.certificateText = certificate.chainPem
            configuration.keyText = String(decoding: key, as: UTF8.self)
            if isMutual { configuration.authorityText = authorities }
            configuration.name = name
            return EndpointTLS(
                name: name, context: try TLSContext(configuration, role: .server), isMutual: isMutual)
        } catch {
            complain("its certificate can't be used: \(error)")
            return EndpointTLS(name: name, context: nil, isMutual: isMutual)
        }
    }
}

/// What holds where a route says nothing.
public struct RouteDefaults: Sendable {
    public var timeout = Duration.seconds(60)
    public var queueWait = Duration.milliseconds(500)
    public var queueLength = 1000
    public var hold = Duration.seconds(60)

    public init() {}
}

private struct RouteFault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
