internal import Contracts

/// Which adapter of the scorer loads a model.
enum AdapterChoice {
    static let python = "python"
    static let all = ["lightgbm", "onnxruntime", python, "xgboost"]

    /// What each adapter loads, by the registry's names of formats.
    private static let formats: [String: Set<String>] = [
        "onnxruntime": ["onnx"],
        "xgboost": ["xgboost-json", "xgboost-ubj", "xgboost-binary"],
        "lightgbm": ["lightgbm-text"],
        python: ["pickle", "joblib"],
    ]

    /// - Parameters:
    ///   - asked: the adapter that the recipe names for it.
    ///   - hasEntry: a script loads whatever can be imported.
    /// - Throws: `BuildFailure` where none loads it, or the one asked for doesn't.
    static func adapter(
        for version: Slipway.Models.V1.ModelVersion, asked: String?, hasEntry: Bool
    ) throws(BuildFailure) -> String {
        let format = version.format.map(\.name) ?? "unknown"
        let name = "\(version.model):\(version.version)"
        if let asked {
            guard asked != python else { return python }
            // A file that nobody recognised may still be what its owner says.
            guard format == "unknown" || formats[asked]?.contains(format) == true else {
                throw BuildFailure(
                    "model.format", "\(name) is \(format), which \(asked) does not load; \(loads(format))")
            }
            return asked
        }
        if hasEntry { return python }
        let found = formats.filter { $0.value.contains(format) }.keys.min()
        guard let found else { throw BuildFailure("model.format", "\(name) is \(format): \(loads(format))") }
        return found
    }

    private static func loads(_ format: String) -> String {
        let known = formats.filter { $0.value.contains(format) }.keys.sorted()
        if !known.isEmpty { return "\(known.joined(separator: " or ")) loads it" }
        return "no adapter loads that by itself; an entry script can, or name an adapter in `adapters`"
    }
}

/// What Python needs for a model whose files say so.
enum PythonNeeds {
    /// How the index calls frameworks.
    private static let packages = [
        "scikit-learn": "scikit-learn", "sklearn": "scikit-learn", "xgboost": "xgboost", "lightgbm": "lightgbm",
        "torch": "torch", "pytorch": "torch", "catboost": "catboost", "statsmodels": "statsmodels",
    ]

    /// Requirements for models that Python loads. What an MLflow folder lists comes first: it was there when the model was
    /// trained.
    static func requirements(_ versions: [Slipway.Models.V1.ModelVersion]) -> [String] {
        var found: [String] = []
        for format in versions.compactMap(\.format) {
            let listed = (format.details["requirements"] ?? "").split(separator: "\n").map(String.init)
            if !listed.isEmpty {
                found += listed
            } else if let package = packages[format.framework.lowercased()] {
                found.append(format.frameworkVersion.isEmpty ? package : "\(package)==\(format.frameworkVersion)")
            }
        }
        var seen: Set<String> = []
        return found.filter { seen.insert($0).inserted }
    }
}
