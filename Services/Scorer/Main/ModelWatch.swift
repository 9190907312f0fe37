import Loop
import Serving
import ServiceKit

/// Tells the log and the health of what becomes of models.
final class ModelWatch: Sendable {
    private let logger: Logger
    private let part: HealthPart
    private let serving = Lock<(any InferenceServing)?>(nil)
    private let onReady: @Sendable (any InferenceServing) -> Void
    private let wasReady = Lock(false)

    /// - Parameter onReady: called once, when all models are ready for the first time.
    init(_ logger: Logger, _ health: HealthRegistry, onReady: @escaping @Sendable (any InferenceServing) -> Void) {
        self.logger = logger
        part = health.part("models")
        self.onReady = onReady
    }

    func watches(_ serving: any InferenceServing) { self.serving.withLock { $0 = serving } }

    func handle(_ event: ModelManager.Event) {
        switch event {
        case .sourceFailed(let error): logger.error("the models' source cannot be read", ["error": .string("\(error)")])
        case .changed(let status): log(status)
        }
        look()
    }

    /// Asks whether all is ready, and says so.
    func look() {
        guard let serving = serving.withLock({ $0 }) else { return }
        guard serving.isReady else {
            let waiting = serving.list().filter { $0.state != .ready && $0.state != .gone }
            part.notReady(waiting.isEmpty ? "no model yet" : waiting.map(ModelWatch.text).joined(separator: "; "))
            return
        }
        part.ready()
        let isFirst = wasReady.withLock { wasReady in
            defer { wasReady = true }
            return !wasReady
        }
        if isFirst { onReady(serving) }
    }

    private static func text(_ status: VersionStatus) -> String {
        "\(status.name) version \(status.version) is \(status.state.rawValue)"
            + (status.reason.isEmpty ? "" : ": \(status.reason)")
    }

    private func log(_ status: VersionStatus) {
        let fields: KeyValuePairs<String, LogValue> = [
            "model": .string(status.name), "version": .integer(Int(status.version)), "adapter": .string(status.adapter),
        ]
        switch status.state {
        case .failed:
            logger.with(fields).error("a model could not be loaded", ["reason": .string(status.reason)])
        case .ready: logger.notice("a model is ready", fields)
        case .gone: logger.notice("a model is unloaded", fields)
        default: logger.debug("a model is \(status.state.rawValue)", fields)
        }
    }
}
