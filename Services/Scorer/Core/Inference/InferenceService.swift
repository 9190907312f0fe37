public import Access
public import InferenceContracts
import Protobuf
public import RPC
import Serving

/// The Open Inference Protocol over gRPC and Connect.
public final class InferenceService: Inference.GRPCInferenceService.SimpleService {
    let point: ScoringPoint

    public init(_ point: ScoringPoint) { self.point = point }

    /// What each method asks of its caller; the contract is not ours, and can't say so itself.
    public static let requirements: [String: Requirement] = {
        let open = ["ServerLive", "ServerReady"]
        let changing = ["RepositoryModelLoad", "RepositoryModelUnload"]
        var requirements: [String: Requirement] = [:]
        for method in Inference.GRPCInferenceService.descriptor.methods {
            requirements[method.path] =
                open.contains(method.name)
                ? .anyone : .workspace(changing.contains(method.name) ? .contributor : .reader)
        }
        return requirements
    }()

    /// What the server can do beyond the protocol, in Triton's names.
    static let extensions = [
        "binary_tensor_data", "model_configuration", "model_repository",
        "parameters", "statistics",
    ]

    // MARK: health

    public func serverLive(
        _ request: Inference.ServerLiveRequest, context: ServerContext
    ) async throws -> Inference.ServerLiveResponse { Inference.ServerLiveResponse(live: true) }

    public func serverReady(
        _ request: Inference.ServerReadyRequest, context: ServerContext
    ) async throws -> Inference.ServerReadyResponse { Inference.ServerReadyResponse(ready: point.serving.isReady) }

    public func modelReady(
        _ request: Inference.ModelReadyRequest, context: ServerContext
    ) async throws -> Inference.ModelReadyResponse {
        let model = try ModelText.reference(request.name, request.version)
        return Inference.ModelReadyResponse(ready: point.serving.isReady(model))
    }

    // MARK: descriptions

    public func serverMetadata(
        _ request: Inference.ServerMetadataRequest, context: ServerContext
    ) async throws -> Inference.ServerMetadataResponse {
        Inference.ServerMetadataResponse(
            name: "slipway-\(point.build.service)", version: point.build.version,
            extensions: InferenceService.extensions)
    }

    public func modelMetadata(
        _ request: Inference.ModelMetadataRequest, context: ServerContext
    ) async throws -> Inference.ModelMetadataResponse {
        let summary = try point.serving.summary(of: try ModelText.reference(request.name, request.version))
        var response = Inference.ModelMetadataResponse()
        response.name = summary.name
        response.versions = summary.versions.map { "\($0)" }
        response.platform = ModelText.platform(summary)
        response.inputs = summary.inputs.map { metadata($0) }
        response.outputs = summary.outputs.map { metadata($0) }
        return response
    }

    private func metadata(_ tensor: TensorSpecification) -> Inference.ModelMetadataResponse.TensorMetadata {
        .init(name: tensor.name, datatype: tensor.datatype.name, shape: tensor.shape.map { Int64($0) })
    }

    public func modelConfig(
        _ request: Inference.ModelConfigRequest, context: ServerContext
    ) async throws -> Inference.ModelConfigResponse {
        let summary = try point.serving.summary(of: try ModelText.reference(request.name, request.version))
        return Inference.ModelConfigResponse(config: ModelConfigText.message(summary))
    }

    public func modelStatistics(
        _ request: Inference.ModelStatisticsRequest, context: ServerContext
    ) async throws -> Inference.ModelStatisticsResponse {
        let model = request.name.isEmpty ? nil : try ModelText.reference(request.name, request.version)
        let statistics = try point.serving.statistics(of: model)
        return Inference.ModelStatisticsResponse(modelStats: statistics.map { StatisticsText.message($0) })
    }

    // MARK: the repository

    public func repositoryIndex(
        _ request: Inference.RepositoryIndexRequest, context: ServerContext
    ) async throws -> Inference.RepositoryIndexResponse {
        var response = Inference.RepositoryIndexResponse()
        for status in point.serving.list() where !request.ready || status.state == .ready {
            response.models.append(
                .init(
                    name: status.name, version: "\(status.version)", state: ModelText.state(status.state),
                    reason: status.reason))
        }
        return response
    }

    public func repositoryModelLoad(
        _ request: Inference.RepositoryModelLoadRequest, context: ServerContext
    ) async throws -> Inference.RepositoryModelLoadResponse {
        var options: [String: String] = [:]
        for (name, parameter) in request.parameters {
            switch parameter.parameterChoice {
            case .boolParam(let value)?: options[name] = "\(value)"
            case .int64Param(let value)?: options[name] = "\(value)"
            case .stringParam(let value)?: options[name] = value
            case .bytesParam?: throw LoadOptions.filesRefused(name)
            case nil: continue
            }
        }
        try await point.serving.load(try LoadOptions.name(request.modelName), options: options)
        return Inference.RepositoryModelLoadResponse()
    }

    public func repositoryModelUnload(
        _ request: Inference.RepositoryModelUnloadRequest, context: ServerContext
    ) async throws -> Inference.RepositoryModelUnloadResponse {
        try await point.serving.unload(try LoadOptions.name(request.modelName))
        return Inference.RepositoryModelUnloadResponse()
    }
}

/// What may be said when a model is loaded.
enum LoadOptions {
    static func name(_ name: String) throws(ServingError) -> String {
        guard !name.isEmpty else { throw ServingError(.invalidInput, "the request names no model") }
        return name
    }

    /// Whoever may score must not bring files.
    static func filesRefused(_ name: String) -> ServingError {
        ServingError(
            .invalidInput, "parameter '\(name)' brings a file; models are loaded from where the server finds them")
    }
}
