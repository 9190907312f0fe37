public import Access
public import Loop
public import OCI
internal import Outbound

/// Speaks to other registries in a workspace's name, for pushes and for the base images of builds. What one workspace
/// signed in with, no other is heard with.
public final class RegistryClients: Sendable {
    let networks: OutboundNetworks
    private let outbound: OutboundClient
    private let credentials: RegistryCredentialStore
    private let settings: RegistryAccessSettings

    /// - Throws: `RegistryAccessError` where the settings name what is no network.
    public init(
        _ credentials: RegistryCredentialStore, settings: RegistryAccessSettings = RegistryAccessSettings(),
        loop: EventLoop
    ) throws {
        self.credentials = credentials
        self.settings = settings
        networks = try settings.networks()
        outbound = OutboundClient(loop: loop, networks: networks)
    }

    /// Ends what is under way.
    public func stop() { outbound.stop() }

    /// Runs a pull or a push, and ends it where it takes longer than the settings allow: a registry that gives a byte a second
    /// would have one of a builder's few places for ever.
    /// - Throws: `RegistryTooSlow`, and what `body` throws.
    func limited<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let (loop, limit) = (outbound.loop, settings.limit)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await loop.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let result = first else { throw RegistryTooSlow(limit) }
            return result
        }
    }

    /// For one push or build: it remembers the tokens that it got.
    public func client(for workspace: Workspace) -> DistributionClient {
        let trust = OutboundTrust(authorities: settings.authorities.isEmpty ? nil : settings.authorities)
        return DistributionClient(
            outbound,
            settings: RegistrySettings(
                credentials: { [credentials] in try await credentials.credentials(for: $0, in: workspace) },
                plainRegistries: Set(settings.plain), trust: trust, retriesMax: max(0, settings.retries)))
    }
}

/// A registry that did not come to an end.
struct RegistryTooSlow: Error, CustomStringConvertible {
    let description: String

    init(_ limit: Duration) {
        description = "it took longer than \(limit.components.seconds) s, the builder's setting `outside.limit`"
    }
}
