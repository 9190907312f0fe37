import CommandLineKit
import Contracts

enum DeploymentSecure {
    private static let path = "slipway deployment secure"

    static let command = Command<Session>(
        "secure", "Says who may ask, and with which certificates; what is not said stays.",
        details: """
            Requests under way are not disturbed. A certificate is replaced by giving it with its key; one whose key is \
            the same needs no --certificate-key.
            """,
        arguments: [DeploymentGroup.name],
        flags: SecurityFlags.all + [SecurityFlags.without.specification, Shared.reason.specification],
        examples: [
            .init(
                "slipway deployment secure churn --certificate churn.pem --certificate-key churn.key "
                    + "--host churn.example.com", "TLS with a certificate of its own"),
            .init("slipway deployment secure churn --client-authorities clients.pem", "callers show certificates"),
            .init("slipway deployment secure churn --without client-authorities", "no longer"),
        ]
    ) { values, session in
        guard SecurityFlags.isSaid(values) else { throw UsageError("say what to change", path: path) }
        let deployments = try session.connect().deployments
        let before = try await deployments.getDeployment(.init(name: values[DeploymentGroup.name]))
        let deployment = try await deployments.setSecurity(
            .init(
                name: before.name, security: try SecurityFlags.security(values, on: before.security ?? .init(), path),
                expectedGeneration: before.generation, reason: values[Shared.reason] ?? ""))
        try session.show(deployment) { "" }
        session.done("who may ask \(deployment.name) is changed")
    }
}
