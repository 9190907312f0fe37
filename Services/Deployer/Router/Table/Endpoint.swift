import HTTP

/// A deployment as one table names it. Never changed: a new route makes a new one.
final class Endpoint: Sendable {
    let deployment: Int64
    let version: Int64
    let name: EndpointName
    /// In lower case; nil where it has none of its own.
    let host: String?
    let access: EndpointAccess
    let tls: EndpointTLS?
    /// Nil while nothing serves.
    let plan: SharePlan?
    let revisions: [Revision]
    let holding: Holding
    let memory: EndpointMemory

    struct Holding: Sendable {
        let holds: Bool
        let atMost: Duration
        let message: String
    }

    init(
        deployment: Int64, version: Int64, name: EndpointName, host: String?, access: EndpointAccess,
        tls: EndpointTLS?, plan: SharePlan?, revisions: [Revision], holding: Holding, memory: EndpointMemory
    ) {
        self.deployment = deployment
        self.version = version
        self.name = name
        self.host = host
        self.access = access
        self.tls = tls
        self.plan = plan
        self.revisions = revisions
        self.holding = holding
        self.memory = memory
    }

    func revision(_ number: Int32) -> Revision? { revisions.first { $0.number == number } }
}

/// The certificate of a deployment.
struct EndpointTLS: Sendable {
    /// Names the deployment and whom it lets in: a connection carries the name under which it was made.
    let name: String
    let context: TLSContext?
    /// Whether callers must prove themselves with a certificate.
    let isMutual: Bool
}
