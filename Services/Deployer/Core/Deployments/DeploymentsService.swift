package import Contracts
package import Loop
package import Postgres
package import RPC
internal import ResourceKit

/// `slipway.deployments.v1.Deployments` for callers: each in the workspace of its call, which the access interceptor found.
package struct DeploymentsService: V1.Deployments.SimpleService {
    /// Who watches looks so often besides.
    private static let interval = Swift.Duration.seconds(5)

    private let store: DeploymentStore
    private let logs: DeploymentLogs
    private let signals: PostgresSignals
    private let loop: EventLoop

    /// - Parameter signals: on `DeployerChannel.statuses` and `.deployments`; somebody runs them.
    package init(_ store: DeploymentStore, places: Places, signals: PostgresSignals, loop: EventLoop) {
        self.store = store
        self.signals = signals
        self.loop = loop
        logs = DeploymentLogs(pool: store.pool, places: places, loop: loop)
    }

    package func createDeployment(
        _ request: V1.CreateDeploymentRequest, context: ServerContext
    ) async throws -> V1.Deployment {
        try await store.create(request, by: context.deploymentChange(request.reason))
    }

    package func updateDeployment(
        _ request: V1.UpdateDeploymentRequest, context: ServerContext
    ) async throws -> V1.Deployment {
        try await store.update(request, by: context.deploymentChange(request.reason))
    }

    package func rollBack(_ request: V1.RollBackRequest, context: ServerContext) async throws -> V1.Deployment {
        try await store.rollBack(request, by: context.deploymentChange(request.reason))
    }

    package func setTraffic(_ request: V1.SetTrafficRequest, context: ServerContext) async throws -> V1.Deployment {
        try await store.setTraffic(request, by: context.deploymentChange(request.reason))
    }

    package func setScaling(_ request: V1.SetScalingRequest, context: ServerContext) async throws -> V1.Deployment {
        try await store.setScaling(request, by: context.deploymentChange(request.reason))
    }

    package func setSecurity(_ request: V1.SetSecurityRequest, context: ServerContext) async throws -> V1.Deployment {
        try await store.setSecurity(request, by: context.deploymentChange(request.reason))
    }

    package func describe(_ request: V1.DescribeRequest, context: ServerContext) async throws -> V1.Deployment {
        try await store.describe(request, by: context.deploymentChange(request.reason))
    }

    package func readKeys(_ request: V1.ReadKeysRequest, context: ServerContext) async throws -> V1.EndpointKeys {
        try await store.readKeys(request.name, by: context.deploymentChange(""))
    }

    package func regenerateKey(
        _ request: V1.RegenerateKeyRequest, context: ServerContext
    ) async throws -> V1.EndpointKeys {
        try await store.regenerateKey(request, by: context.deploymentChange(request.reason))
    }

    package func issueEndpointToken(
        _ request: V1.IssueEndpointTokenRequest, context: ServerContext
    ) async throws -> V1.IssuedToken {
        try await store.issueToken(request, by: context.deploymentChange(request.reason))
    }

    package func deleteDeployment(
        _ request: V1.DeleteDeploymentRequest, context: ServerContext
    ) async throws -> V1.Deployment {
        try await store.delete(request, by: context.deploymentChange(request.reason))
    }

    package func getDeployment(
        _ request: V1.GetDeploymentRequest, context: ServerContext
    ) async throws -> V1.Deployment {
        try await store.get(request.name, in: context.workspace)
    }

    package func searchDeployments(
        _ request: V1.SearchDeploymentsRequest, context: ServerContext
    ) async throws -> V1.SearchDeploymentsResponse {
        try await store.search(request, in: context.workspace)
    }

    package func listRevisions(
        _ request: V1.ListRevisionsRequest, context: ServerContext
    ) async throws -> V1.ListRevisionsResponse {
        .init(revisions: try await store.revisions(request.name, in: context.workspace))
    }

    package func history(_ request: V1.HistoryRequest, context: ServerContext) async throws -> V1.HistoryResponse {
        try await store.history(request, in: context.workspace)
    }

    package func explain(_ request: V1.ExplainRequest, context: ServerContext) async throws -> V1.ExplainResponse {
        try await store.explain(request, in: context.workspace)
    }

    /// Ends with the caller, or with the deployment.
    package func watch(
        _ request: V1.WatchRequest, responses: ResponseWriter<V1.Deployment>, context: ServerContext
    ) async throws {
        let record = try await store.record(request.name, in: context.workspace)
        let topics = [DeployerChannel.statuses, DeployerChannel.deployments].map {
            PostgresSignals.Topic($0, "\(record.id)")
        }
        try await signals.withBell(topics) { bell in
            var last: V1.Deployment?
            while true {
                guard let now = try await store.record(record.id) else { return }
                let shown = now.shown(store.addresses)
                if shown != last { try await responses.write(shown) }
                last = shown
                guard !now.isDeleted else { return }
                try await bell.wait(upTo: DeploymentsService.interval, on: loop)
            }
        }
    }

    package func logs(
        _ request: V1.LogsRequest, responses: ResponseWriter<V1.LogsResponse>, context: ServerContext
    ) async throws {
        var violations = FieldViolations()
        if request.revision < 0 { violations.add("revision", "revisions count from 1") }
        if !(0...Int32(DeploymentLogs.linesMax)).contains(request.lines) {
            violations.add("lines", "it is 1 to \(DeploymentLogs.linesMax), or 0 for 100")
        }
        try violations.check()
        let record = try await store.record(request.name, in: context.workspace)
        try await logs.send(request, of: record) { try await responses.write(.init(lines: $0)) }
    }
}
