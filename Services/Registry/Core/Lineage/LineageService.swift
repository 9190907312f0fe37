import ResourceKit
import Access
public import Contracts
public import RPC

/// `slipway.models.v1.Lineage` for callers: each in the workspace of its call.
public struct LineageService: Slipway.Models.V1.Lineage.SimpleService {
    private let store: RegistryStore

    public init(_ store: RegistryStore) { self.store = store }

    public func graph(
        _ request: Slipway.Models.V1.LineageRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.LineageGraph {
        try await store.lineage(request, in: context.workspace)
    }

    public func reportUse(
        _ request: Slipway.Models.V1.ReportUseRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.ReportUseResponse {
        Slipway.Models.V1.ReportUseResponse(accepted: try await store.reportUse(request, by: context.change("")))
    }
}
