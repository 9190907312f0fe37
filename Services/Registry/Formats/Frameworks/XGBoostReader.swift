/// Reads a model of XGBoost from either of its documents. Trees are passed over.
struct XGBoostReader {
    /// Whether the document has what makes it one of XGBoost's.
    private(set) var isXGBoost = false
    private(set) var description = ModelDescription()
    let limits: RecognitionLimits

    init(limits: RecognitionLimits) { self.limits = limits }

    mutating func read(_ document: any DocumentScanner) throws {
        _ = try document.object { name in
            switch name {
            case "learner":
                isXGBoost = true
                try learner(document)
            case "version":
                let numbers = try document.scalars(3).map(\.text)
                description.frameworkVersion = numbers.joined(separator: ".")
            default: try document.skip()
            }
        }
    }

    private mutating func learner(_ document: any DocumentScanner) throws {
        var names: [String] = []
        var types: [String] = []
        defer {
            description.features = names.enumerated().map { index, name in
                ModelFeature(name, type: index < types.count ? types[index] : "")
            }
        }
        _ = try document.object { name in
            switch name {
            case "feature_names": names = try document.scalars(limits.listCountMax).map(\.text)
            case "feature_types": types = try document.scalars(limits.listCountMax).map(\.text)
            case "learner_model_param":
                _ = try document.object { parameter in
                    let scalar = try document.scalar()
                    self.parameter(parameter, scalar)
                }
            case "objective":
                _ = try document.object { member in
                    let scalar = try document.scalar()
                    if member == "name", let scalar { description.objective = scalar.text }
                }
            case "gradient_booster": try booster(document)
            case "attributes":
                _ = try document.object { key in
                    let scalar = try document.scalar()
                    if let scalar, description.properties.count < 1000 {
                        description.properties[key] = scalar.text
                    }
                }
            default: try document.skip()
            }
        }
    }

    private mutating func parameter(_ name: String, _ scalar: DocumentScalar?) {
        guard let scalar else { return }
        switch name {
        case "num_feature": description.featureCount = scalar.integer
        case "num_class":
            // Nought stands for a model that is no classifier of several classes.
            if let count = scalar.integer, count > 0 { description.classCount = count }
        default:
            if description.properties.count < 1000 { description.properties[name] = scalar.text }
        }
    }

    /// Its kind and the number of trees; `dart` keeps them one level further in.
    private mutating func booster(_ document: any DocumentScanner, depth: Int = 0) throws {
        _ = try document.object { name in
            switch name {
            case "name": description.properties["booster"] = try document.text()
            case "gbtree" where depth == 0: try booster(document, depth: 1)
            case "model":
                _ = try document.object { member in
                    guard member == "gbtree_model_param" else { return try document.skip() }
                    _ = try document.object { parameter in
                        let scalar = try document.scalar()
                        if parameter == "num_trees" { description.treeCount = scalar?.integer }
                    }
                }
            default: try document.skip()
            }
        }
    }

    /// Whether a file is of XGBoost's old binary form: a mark, or the parameters with the name of the objective behind.
    static func isBinary(_ head: [UInt8]) -> Bool {
        if head.starts(with: Array("binf".utf8)) || head.starts(with: Array("bs64".utf8)) { return true }
        let parametersSize = 136
        guard head.count >= parametersSize + 16, head[parametersSize] < 64,
            head[parametersSize + 1..<parametersSize + 8].allSatisfy({ $0 == 0 })
        else { return false }
        let length = Int(head[parametersSize])
        let name = head[(parametersSize + 8)...].prefix(length)
        guard length > 3, name.count == length else { return false }
        return ["binary:", "multi:", "reg:", "rank:", "count:", "survival:"].contains {
            name.starts(with: Array($0.utf8))
        }
    }
}
