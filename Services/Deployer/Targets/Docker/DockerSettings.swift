/// Which engine a target is, and how replicas are reached there.
public struct DockerSettings: Sendable {
    public var address: EngineAddress
    public var certificates: EngineCertificates
    /// A network that containers join; they are reached at their own addresses on it, so the deployer and the router have
    /// to be able to. Where empty they join the engine's usual one, and publish a port: on 127.0.0.1 where the engine is on
    /// this machine, and on all addresses of the engine's machine otherwise.
    public var network: String
    /// The installation: engines may serve several.
    public var suite: String
    /// How long the engine may take to answer what has no reason to take long.
    public var patience = Duration.seconds(30)

    public init(
        address: EngineAddress, certificates: EngineCertificates = EngineCertificates(), network: String = "",
        suite: String
    ) {
        self.address = address
        self.certificates = certificates
        self.network = network
        self.suite = suite
    }
}
