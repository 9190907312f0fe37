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
