import Serving

/// What callers write for a model's version.
enum ModelText {
    /// - Parameter version: a positive number, or empty for the newest that is ready.
    static func reference(_ name: String, _ version: String) throws(ServingError) -> ModelReference {
        guard !name.isEmpty else { throw ServingError(.invalidInput, "the request names no model") }
        guard !version.isEmpty else { return ModelReference(name: name) }
        guard let number = Int64(version), number > 0 else {
            throw ServingError(
                .notFound, "model '\(name)' has no version '\(version)': versions are positive numbers")
        }
        return ModelReference(name: name, version: number)
    }

    /// What serves a model: `onnxruntime_onnx`, as Triton's clients show it.
    static func platform(_ summary: ModelSummary) -> String { "\(summary.adapter)_\(summary.format)" }

    /// A version's state in the words of the repository's index.
    static func state(_ state: VersionState) -> String {
        switch state {
        case .ready: "READY"
        case .new, .loading, .warming: "LOADING"
        case .quiescing, .unloading: "UNLOADING"
        case .gone, .failed: "UNAVAILABLE"
        }
    }
}
