package import Access
package import Contracts
package import DeployerTargets
package import Postgres
package import Secrets
package import ServiceKit

/// What control needs to know of a revision to start its replicas.
package struct ControlledRevision: Sendable {
    package var workspace: Workspace
    package var deployment: String
    package var number: Int
    /// `default/churn-svc:2`.
    package var imageName: String
    /// Of the manifest; 32 bytes.
    package var digest: [UInt8]
    package var settings: V1.ReplicaSettings
    /// In whose name secrets are read.
    package var principal: PostgresUUID
}

/// What control is made of, beside the database.
package struct ControlParts: Sendable {
    /// Names the installation, so that places can serve several.
    package var suite: String
    /// The place of a target by its number.
    package var place: @Sendable (Int64) async throws -> any ReplicaTarget
    /// An image whose bytes are here.
    package var image: @Sendable (ControlledRevision) async throws -> LocalImage
    /// The variables of a revision's replicas, with the values of secrets.
    package var variables: @Sendable (ControlledRevision) async throws -> [String: String]
    package var probing: any ReplicaProbing
    package var box: SecretBox
    package var times: ControlTimes
    package var logger: Logger

    package init(
        suite: String, place: @escaping @Sendable (Int64) async throws -> any ReplicaTarget,
        image: @escaping @Sendable (ControlledRevision) async throws -> LocalImage,
        variables: @escaping @Sendable (ControlledRevision) async throws -> [String: String],
        probing: any ReplicaProbing, box: SecretBox, times: ControlTimes = ControlTimes(), logger: Logger
    ) {
        self.suite = suite
        self.place = place
        self.image = image
        self.variables = variables
        self.probing = probing
        self.box = box
        self.times = times
        self.logger = logger.part("control")
    }
}

/// How often control looks by itself, beside the bells.
package struct ControlTimes: Sendable {
    /// At everything in the database.
    package var full: Duration = .seconds(10)
    /// At each place.
    package var observe: Duration = .seconds(5)
    /// At what routers count.
    package var demand: Duration = .milliseconds(500)
    package var lease: Duration = .seconds(30)
    /// Deployments that are worked on at once.
    package var sessions = 24
    var rules = ControlRules()

    package init() {}
}
