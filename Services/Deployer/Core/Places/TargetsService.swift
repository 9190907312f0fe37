package import Contracts
package import RPC
internal import ResourceKit

/// `slipway.targets.v1.Targets` for callers.
package struct TargetsService: Slipway.Targets.V1.Targets.SimpleService {
    private let store: TargetStore

    package init(_ store: TargetStore) { self.store = store }

    package func attachTarget(
        _ request: Slipway.Targets.V1.AttachTargetRequest, context: ServerContext
    ) async throws -> Slipway.Targets.V1.Target {
        try await store.attach(request, by: context.change(request.reason))
    }

    package func getTarget(
        _ request: Slipway.Targets.V1.GetTargetRequest, context: ServerContext
    ) async throws -> Slipway.Targets.V1.Target {
        try await store.get(request.name, in: context.workspace)
    }

    package func listTargets(
        _ request: Slipway.Targets.V1.ListTargetsRequest, context: ServerContext
    ) async throws -> Slipway.Targets.V1.ListTargetsResponse {
        .init(targets: try await store.list(in: context.workspace))
    }

    package func checkTarget(
        _ request: Slipway.Targets.V1.CheckTargetRequest, context: ServerContext
    ) async throws -> Slipway.Targets.V1.Target {
        try await store.check(request.name, in: context.workspace)
    }

    package func detachTarget(
        _ request: Slipway.Targets.V1.DetachTargetRequest, context: ServerContext
    ) async throws -> Slipway.Targets.V1.DetachTargetResponse {
        try await store.detach(request, by: context.change(request.reason))
        return .init()
    }
}
