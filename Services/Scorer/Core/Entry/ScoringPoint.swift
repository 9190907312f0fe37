import HTTP
import Loop
import Serving
import ServiceKit

/// What every dialect stands on: the models, the limits, and whoever collects what went in and out.
public final class ScoringPoint: Sendable {
    public let serving: any InferenceServing
    public let settings: ScoringSettings
    /// The most bytes that a request's body may have.
    public let bodyLimit: Int
    /// What this program is, for those who ask.
    public let build: BuildInformation
    let collector: Collector?
    private let clock: any LoopClock

    /// - Parameters:
    ///   - collector: nil where nothing is collected.
    ///   - clock: of the loops on which requests run.
    public init(
        _ serving: any InferenceServing, settings: ScoringSettings = ScoringSettings(),
        bodyLimit: Int = 64 * 1024 * 1024, build: BuildInformation, collector: Collector? = nil,
        clock: any LoopClock = MonotonicClock()
    ) {
        self.serving = serving
        self.settings = settings
        self.bodyLimit = bodyLimit
        self.build = build
        self.collector = collector
        self.clock = clock
    }

    /// Has a model answer.
    /// - Parameter timeout: what the caller allows; the model's own limit alone where nil.
    func infer(
        _ request: consuming InferenceRequest, timeout: Duration?, correlation: @autoclosure () -> String
    ) async throws(ServingError) -> InferenceAnswer {
        if let timeout { request.deadline = clock.now.advanced(by: timeout) }
        guard let collector, collector.takes() else { return try await serving.infer(request) }
        let observed = CollectedRequest(
            id: request.id, correlation: correlation(), inputs: request.inputs, start: .now())
        let answer = try await serving.infer(request)
        collector.collect(observed, answer)
        return answer
    }

    /// The model of requests that name none.
    /// - Throws: where nothing says which it is.
    func usualModel() throws(ServingError) -> ModelReference {
        guard settings.model.isEmpty else { return ModelReference(name: settings.model) }
        var names: Set<String> = []
        for status in serving.list() where status.state != .gone { names.insert(status.name) }
        guard let name = names.first else {
            throw ServingError(.notReady, "this server has no model yet", retryAfter: .seconds(1))
        }
        guard names.count == 1 else {
            let all = names.sorted().joined(separator: ", ")
            throw ServingError(
                .notFound,
                "several models are served here (\(all)); the setting model says which of them this path means")
        }
        return ModelReference(name: name)
    }
}
