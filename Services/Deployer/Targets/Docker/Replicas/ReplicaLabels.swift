/// What stands beside a container, so that a deployer that knows nothing of it finds out whose it is.
enum ReplicaLabels {
    static let suite = "dev.slipway.suite"
    static let workspace = "dev.slipway.workspace"
    static let deployment = "dev.slipway.deployment"
    static let deploymentID = "dev.slipway.deployment-id"
    static let revision = "dev.slipway.revision"
    static let replica = "dev.slipway.replica"
    static let fence = "dev.slipway.fence"
    /// The port inside, on which the replica takes requests.
    static let port = "dev.slipway.port"
    /// Stands beside the records of what is the latest order of a deployment, with the deployment's number.
    static let fenced = "dev.slipway.fenced"

    static func labels(of order: ReplicaOrder, port: Int) -> [String: String] {
        [
            suite: order.owner.suite, workspace: order.owner.workspace, deployment: order.owner.deployment,
            deploymentID: "\(order.owner.deploymentID)", revision: "\(order.owner.revision)", replica: order.id,
            fence: "\(order.fence)", self.port: "\(port)",
        ]
    }

    /// Nil where a label is missing, or is none of ours.
    static func owner(_ labels: EngineValue) -> ReplicaOwner? {
        guard let suite = labels[suite].text, let workspace = labels[workspace].text,
            let deployment = labels[deployment].text, let number = labels[deploymentID].text.flatMap({ Int64($0) }),
            let revision = labels[revision].text.flatMap({ Int($0) })
        else { return nil }
        return ReplicaOwner(
            suite: suite, workspace: workspace, deployment: deployment, deploymentID: number, revision: revision)
    }
}

/// What containers of replicas are called. While one is made it has a name of its own; it gets the replica's when it is
/// complete, and engines give each name once: of several that are made at a time, one becomes the replica.
enum ContainerName {
    static func final(_ id: ReplicaID) -> String { "slipway-\(id)" }

    static func unfinished(_ id: ReplicaID) -> String {
        "\(final(id)).\(String(UInt64.random(in: .min ... .max), radix: 16))"
    }

    /// Whether a container is still, or was for ever, being made.
    static func isUnfinished(_ name: String) -> Bool { name.contains(".") }

    /// - Throws: `TargetError` `.refused` where it is no lower-case UUID, or looks too little like one to be part of a path.
    static func check(_ id: ReplicaID) throws(TargetError) {
        let isPlain = id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d }
        guard isPlain, (1...64).contains(id.utf8.count) else {
            throw TargetError(.refused, "`\(id.prefix(100))` is no replica's id: a lower-case UUID")
        }
    }
}
