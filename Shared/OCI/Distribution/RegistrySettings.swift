public import Outbound

/// How registries are reached.
public struct RegistrySettings: Sendable {
    /// A name and a password, or a token for it.
    public struct Credentials: Sendable {
        public var user: String
        public var password: String

        public init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    /// Asked for each registry, at most once for each authentication; nil asks as nobody.
    public var credentials: @Sendable (_ registry: String) async throws -> Credentials?
    /// Registries that are spoken to without TLS. Those on this machine are, wherever they are not told to.
    public var plainRegistries: Set<String>
    public var trust: OutboundTrust
    /// How often a request that failed for a passing reason is made again.
    public var retriesMax: Int
    /// Between tries, doubled each time; what the registry asks for goes first, up to a minute.
    public var retryDelay: Duration

    public init(
        credentials: @escaping @Sendable (String) async throws -> Credentials? = { _ in nil },
        plainRegistries: Set<String> = [], trust: OutboundTrust = OutboundTrust(), retriesMax: Int = 3,
        retryDelay: Duration = .seconds(1)
    ) {
        self.credentials = credentials
        self.plainRegistries = plainRegistries
        self.trust = trust
        self.retriesMax = retriesMax
        self.retryDelay = retryDelay
    }

    /// Docker's own registry answers under another name than its images carry.
    func address(of registry: String) -> String {
        let host = registry == ImageReference.usualRegistry ? "registry-1.docker.io" : registry
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }
        let isLoopback = name.hasPrefix("127.") && name.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e }
        let isHere = name == "localhost" || name == "[::1]" || isLoopback
        return (isHere || plainRegistries.contains(registry) ? "http://" : "https://") + host
    }
}
