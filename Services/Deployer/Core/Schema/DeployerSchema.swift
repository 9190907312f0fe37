public import Loop
public import Postgres

/// The deployer's tables, compiled in.
public enum DeployerSchema {
    public static let name = "deployments"

    public static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(
            schema: name,
            [
                (name: "0001_targets", sql: targets), (name: "0002_deployments", sql: deployments),
                (name: "0003_control", sql: control), (name: "0004_routing", sql: routing),
                (name: "0005_images", sql: images), (name: "0006_scaling", sql: scaling),
            ])
    }

    /// Makes or updates the tables. The journal's, the identities' and the leases' must be there.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await migrations().apply(configuration, on: loop)
    }
}

/// Channels on which the database says that there is something to look at. A bell that gets lost costs time alone: everybody
/// looks by themselves besides.
public enum DeployerChannel {
    /// Something desired of a deployment has changed; the payload is its number. Rung by triggers.
    public static let deployments = "slipway_deployments"
    /// What is observed of a deployment has changed; the payload is its number. Rung by triggers.
    public static let statuses = "slipway_statuses"
    /// A route has changed; the payload is its deployment's number. Rung by triggers.
    public static let routes = "slipway_routes"
    /// A request waits for a deployment without replicas; the payload is its number. Rung by routers.
    public static let demand = "slipway_demand"
}
