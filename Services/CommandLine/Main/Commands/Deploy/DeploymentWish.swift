import CommandLineKit
import Contracts
import RPC

/// How an endpoint is to be, by the flags: looked at as a whole before anything is sent.
struct DeploymentWish {
    typealias V1 = Slipway.Deployments.V1

    struct Made {
        let deployment: V1.Deployment
        /// The revision that was made.
        let revision: Int32
    }

    private let values: Values
    private let name: String
    private let session: Session
    private let plan: V1.RolloutPlan?

    /// - Throws: `UsageError`, `Failure`.
    init(_ values: Values, name: String, _ session: Session) throws {
        self.values = values
        self.name = name
        self.session = session
        plan = try RolloutFlags.plan(values, Deploy.path)
        _ = try ScalingFlags.scaling(values, Deploy.path)
        _ = try SecurityFlags.security(values, Deploy.path)
    }

    /// Makes the deployment, or changes the one that is there.
    /// - Throws: `RPCError`, `Failure`, `UsageError`.
    func apply(_ content: V1.Content, _ connection: Connection) async throws -> Made {
        if let before = try await find(connection) { return try await update(before, content, connection) }
        do { return try await create(content, connection) } catch let error as RPCError
            where error.code == .alreadyExists
        {
            // Somebody made it in between.
            guard let before = try await find(connection) else { throw error }
            return try await update(before, content, connection)
        }
    }

    private func find(_ connection: Connection) async throws -> V1.Deployment? {
        do { return try await connection.deployments.getDeployment(.init(name: name)) } catch let error as RPCError
            where error.code == .notFound
        { return nil }
    }

    private func create(_ content: V1.Content, _ connection: Connection) async throws -> Made {
        var request = V1.CreateDeploymentRequest()
        request.name = name
        request.description = values[Deploy.description] ?? ""
        request.tags = values[Deploy.tags]
        request.target = values[Deploy.target] ?? ""
        request.content = content
        request.settings = ReplicaFlags.settings(values)
        request.scaling = try ScalingFlags.scaling(values, Deploy.path)
        request.security = try SecurityFlags.security(values, Deploy.path)
        request.requestId = Shared.drawRequestID()
        request.reason = values[Shared.reason] ?? ""
        let deployment = try await connection.deployments.createDeployment(
            request, options: CallOptions(retry: RetryPolicy(attemptsMax: 5)))
        session.note("\(name) is made")
        if plan != nil { session.note("its first revision gets all requests: there is none to take them from") }
        return Made(deployment: deployment, revision: 1)
    }

    private func update(
        _ before: V1.Deployment, _ content: V1.Content, _ connection: Connection
    ) async throws -> Made {
        if let target = values[Deploy.target], target != before.target {
            throw Failure(
                .conflict,
                "\(name) runs on \(before.target) and stays there; another --name makes another endpoint on \(target)")
        }
        session.note("\(name) is there already: it gets a new revision")
        try await set(before, connection)
        let update = RevisionUpdate(session: session, connection: connection, name: name)
        let (deployment, revision) = try await update.run(
            content: content, values, plan: plan, reason: values[Shared.reason] ?? "")
        return Made(deployment: deployment, revision: revision)
    }

    /// What is no part of a revision: scaling, security, description and tags.
    private func set(_ before: V1.Deployment, _ connection: Connection) async throws {
        var generation = before.generation
        let reason = values[Shared.reason] ?? ""
        if let scaling = try ScalingFlags.scaling(values, on: before.scaling ?? .init(), Deploy.path) {
            generation = try await connection.deployments.setScaling(
                .init(name: name, scaling: scaling, expectedGeneration: generation, reason: reason)
            ).generation
        }
        if let security = try SecurityFlags.security(values, on: before.security ?? .init(), Deploy.path) {
            generation = try await connection.deployments.setSecurity(
                .init(name: name, security: security, expectedGeneration: generation, reason: reason)
            ).generation
        }
        let tags = values[Deploy.tags]
        if values[Deploy.description] != nil || !tags.isEmpty {
            _ = try await connection.deployments.describe(
                .init(name: name, description: values[Deploy.description], setTags: tags, reason: reason))
        }
    }
}
