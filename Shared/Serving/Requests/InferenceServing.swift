/// What a dialect needs of whatever serves models: the seam between how requests look and how they are carried out.
///
/// Every function may be called on any event loop, and `infer` starts on its caller's.
public protocol InferenceServing: AnyObject, Sendable {
    /// Has a model answer. The answer's outputs are in the order of the request's, or the model's where it asks for all.
    func infer(_ request: consuming InferenceRequest) async throws(ServingError) -> InferenceAnswer

    /// Whether the server takes requests: all models that it has to serve are ready.
    var isReady: Bool { get }

    func isReady(_ model: ModelReference) -> Bool

    /// Of a version that is ready; `notFound` and `notReady` otherwise.
    func summary(of model: ModelReference) throws(ServingError) -> ModelSummary

    /// Every version that is known, failed ones too, by name and version.
    func list() -> [VersionStatus]

    /// Of one model, one version, or all.
    func statistics(of model: ModelReference?) throws(ServingError) -> [ModelStatistics]

    /// Loads what the model's source has of it, again if it is loaded: the old version serves until the new one is ready.
    func load(_ name: String, options: [String: String]) async throws(ServingError)

    /// Takes a model out of service, after the requests under way.
    func unload(_ name: String) async throws(ServingError)
}
