import Loop
import Protobuf
public import Serving

/// Models that are closures, checked as the serving core checks them, for dialects to be tested without it.
public final class FakeServing: InferenceServing {
    public typealias Body = @Sendable (InferenceRequest) throws(ServingError) -> [Tensor]

    public struct Model: Sendable {
        public var summary: ModelSummary
        public var state = VersionState.ready
        public var body: Body

        public init(summary: ModelSummary, body: @escaping Body) {
            self.summary = summary
            self.body = body
        }
    }

    private struct State {
        var models: [Model] = []
        var latest: InferenceRequest?
        var loaded: [(name: String, options: [String: String])] = []
        var unloaded: [String] = []
        var allowsLoads = true
    }
    private let state: Lock<State>

    public init(_ models: [Model]) { state = Lock(State(models: models)) }

    /// The request that a model got last.
    public var latest: InferenceRequest? { state.withLock { $0.latest } }
    public var loaded: [(name: String, options: [String: String])] { state.withLock { $0.loaded } }
    public var unloaded: [String] { state.withLock { $0.unloaded } }

    public func refuseLoads() { state.withLock { $0.allowsLoads = false } }

    public func set(_ state: VersionState, of name: String) {
        self.state.withLock { all in
            for index in all.models.indices where all.models[index].summary.name == name {
                all.models[index].state = state
            }
        }
    }

    private func find(_ model: ModelReference) throws(ServingError) -> Model {
        let named = state.withLock { $0.models.filter { $0.summary.name == model.name } }
        guard !named.isEmpty else { throw ServingError(.notFound, "there is no model '\(model.name)'") }
        let found = named.last { model.version == nil || $0.summary.version == model.version }
        guard let found else {
            throw ServingError(.notFound, "model '\(model.name)' has no version \(model.version ?? 0)")
        }
        guard found.state == .ready else {
            throw ServingError(.notReady, "model '\(model.name)' is \(found.state)", retryAfter: .seconds(2))
        }
        return found
    }

    public func infer(_ request: consuming InferenceRequest) async throws(ServingError) -> InferenceAnswer {
        let request = request
        state.withLock { $0.latest = request }
        let model = try find(request.model)
        try FakeServing.check(request, model.summary)
        var outputs = try model.body(request)
        if !request.outputs.isEmpty {
            outputs = request.outputs.compactMap { name in outputs.first { $0.name == name } }
        }
        return InferenceAnswer(
            name: model.summary.name, version: model.summary.version, outputs: outputs,
            timing: InferenceTiming(
                queue: .microseconds(12), compute: .nanoseconds(31_250), batchSize: 1, closing: .single, ranInline: true
            ))
    }

    private static func check(_ request: InferenceRequest, _ summary: ModelSummary) throws(ServingError) {
        func refuse(_ reason: String) -> ServingError { ServingError(.invalidInput, reason) }
        for input in request.inputs {
            guard let wanted = summary.inputs.first(where: { $0.name == input.name }) else {
                throw refuse("input '\(input.name)' does not exist")
            }
            guard wanted.datatype == input.datatype else {
                throw refuse("input '\(input.name)' is \(input.datatype.name); the model takes \(wanted.datatype.name)")
            }
            guard wanted.shape.count == input.shape.count,
                zip(wanted.shape, input.shape).allSatisfy({ $0 < 0 || $0 == $1 })
            else { throw refuse("input '\(input.name)' has shape \(input.shape); the model takes \(wanted.shape)") }
            let count = input.shape.reduce(1, *)
            if let size = input.datatype.elementBytes {
                guard count * size == input.contents.count else {
                    throw refuse("input '\(input.name)' has \(input.contents.count) bytes, not \(count * size)")
                }
            } else {
                guard texts(input)?.count == count else { throw refuse("input '\(input.name)' is ragged") }
            }
        }
        for wanted in summary.inputs where !request.inputs.contains(where: { $0.name == wanted.name }) {
            if !wanted.mayBeAbsent { throw refuse("input '\(wanted.name)' is missing") }
        }
        for name in request.outputs where !summary.outputs.contains(where: { $0.name == name }) {
            throw refuse("output '\(name)' does not exist")
        }
    }

    /// The elements of BYTES; nil where they do not fill the contents.
    public static func texts(_ tensor: Tensor) -> [String]? {
        var rest = tensor.contents
        var texts: [String] = []
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { return nil }
            texts.append(String(decoding: rest.prefix(length), as: UTF8.self))
            rest = rest.dropFirst(length)
        }
        return texts
    }

    public var isReady: Bool { state.withLock { $0.models.allSatisfy { $0.state == .ready } } }

    public func isReady(_ model: ModelReference) -> Bool { (try? find(model)) != nil }

    public func summary(of model: ModelReference) throws(ServingError) -> ModelSummary { try find(model).summary }

    public func list() -> [VersionStatus] {
        state.withLock { state in
            state.models.map {
                VersionStatus(
                    name: $0.summary.name, version: $0.summary.version, state: $0.state,
                    reason: $0.state == .failed ? "its file is cut short" : "", adapter: $0.summary.adapter)
            }
        }
    }

    public func statistics(of model: ModelReference?) throws(ServingError) -> [ModelStatistics] {
        let list: [Model]
        if let model { list = [try find(model)] } else { list = state.withLock { $0.models } }
        return list.map { model in
            var statistics = ModelStatistics(name: model.summary.name, version: model.summary.version)
            statistics.inferences = 8
            statistics.executions = 3
            statistics.success.count = 5
            statistics.success.nanoseconds = 1_000
            statistics.batches = [(4, statistics.success)]
            return statistics
        }
    }

    public func load(_ name: String, options: [String: String]) async throws(ServingError) {
        guard state.withLock({ $0.allowsLoads }) else {
            throw ServingError(.refused, "a folder decides which models are loaded")
        }
        guard name != "broken" else { throw ServingError(.unloadable, "model 'broken': its file is cut short") }
        guard list().contains(where: { $0.name == name }) else {
            throw ServingError(.notFound, "there is no model '\(name)'")
        }
        state.withLock { $0.loaded.append((name, options)) }
    }

    public func unload(_ name: String) async throws(ServingError) {
        guard list().contains(where: { $0.name == name }) else {
            throw ServingError(.notFound, "there is no model '\(name)'")
        }
        state.withLock { $0.unloaded.append(name) }
    }
}
