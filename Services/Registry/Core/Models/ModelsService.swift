import ResourceKit
import Access
public import Contracts
public import RPC

/// `slipway.models.v1.Models` for callers: each in the workspace of its call, which the access interceptor found.
public struct ModelsService: Slipway.Models.V1.Models.SimpleService {
    private let store: RegistryStore

    public init(_ store: RegistryStore) { self.store = store }

    public func register(
        _ request: Slipway.Models.V1.RegisterRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.ModelVersion {
        try await store.register(request, by: context.change(request.reason))
    }

    public func getVersion(
        _ request: Slipway.Models.V1.GetVersionRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.ModelVersion {
        try await store.version(request, in: context.workspace)
    }

    public func getModel(
        _ request: Slipway.Models.V1.GetModelRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.Model {
        try await store.model(request.name, in: context.workspace)
    }

    public func listModels(
        _ request: Slipway.Models.V1.ListModelsRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.ListModelsResponse {
        try await store.models(request, in: context.workspace)
    }

    public func search(
        _ request: Slipway.Models.V1.SearchRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.SearchResponse {
        try await store.search(request, in: context.workspace)
    }

    public func updateModel(
        _ request: Slipway.Models.V1.UpdateModelRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.Model {
        try await store.update(request, by: context.change(request.reason))
    }

    public func updateVersion(
        _ request: Slipway.Models.V1.UpdateVersionRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.ModelVersion {
        try await store.update(request, by: context.change(request.reason))
    }

    public func setAlias(
        _ request: Slipway.Models.V1.SetAliasRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.Alias {
        try await store.setAlias(request, by: context.change(request.reason))
    }

    public func deleteAlias(
        _ request: Slipway.Models.V1.DeleteAliasRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.DeleteAliasResponse {
        try await store.deleteAlias(request, by: context.change(request.reason))
        return Slipway.Models.V1.DeleteAliasResponse()
    }

    public func aliasHistory(
        _ request: Slipway.Models.V1.AliasHistoryRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.AliasHistoryResponse {
        try await store.aliasHistory(request, in: context.workspace)
    }

    public func deleteVersion(
        _ request: Slipway.Models.V1.DeleteVersionRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.ModelVersion {
        try await store.delete(request, by: context.change(request.reason))
    }

    public func restoreVersion(
        _ request: Slipway.Models.V1.RestoreVersionRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.ModelVersion {
        try await store.restore(request, by: context.change(request.reason))
    }

    public func purgeVersion(
        _ request: Slipway.Models.V1.PurgeVersionRequest, context: ServerContext
    ) async throws -> Slipway.Models.V1.PurgeVersionResponse {
        try await store.purge(request, by: context.change(request.reason))
        return Slipway.Models.V1.PurgeVersionResponse()
    }
}
