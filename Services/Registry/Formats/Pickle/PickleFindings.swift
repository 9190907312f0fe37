/// What one or several pickles in a file say.
struct PickleFindings {
    private(set) var imports: [PickleImport] = []
    private var places: [String: Int] = [:]
    private(set) var unresolvedCount = 0
    /// Some part was passed over, with the reason.
    var incomplete: String?
    var sklearnVersion = ""
    /// The first class that an object was made of.
    var estimator = ""
    var featureCount: Int?
    var featureNames: [String] = []
    var weights = ModelWeights()
    var hasJoblibArrays = false
    var isTorchLegacy = false
    let limits: RecognitionLimits

    init(limits: RecognitionLimits) { self.limits = limits }

    var hasDanger: Bool { unresolvedCount > 0 || imports.contains { $0.risk == .dangerous } }

    /// Notes an import and returns its place; nil when the list is full.
    mutating func add(module: String, name: String) -> Int? {
        let key = "\(module)\n\(name)"
        if let place = places[key] { return place }
        guard imports.count < limits.listCountMax else {
            incomplete = "it imports more than \(limits.listCountMax) names"
            return nil
        }
        places[key] = imports.count
        imports.append(PickleImport(module, name, risk: PickleRisk.of(module: module, name: name)))
        return imports.count - 1
    }

    mutating func addUnresolved() { unresolvedCount += 1 }

    /// Notes that an imported name is called or made into an object.
    mutating func call(_ place: Int?) {
        guard let place, imports.indices.contains(place) else { return }
        imports[place].isCalled = true
        let found = imports[place]
        if estimator.isEmpty, found.risk == .known, Self.frameworks.contains(found.framework) {
            estimator = found.description
        }
    }

    func found(_ place: Int?) -> PickleImport? {
        guard let place, imports.indices.contains(place) else { return nil }
        return imports[place]
    }

    mutating func merge(_ other: PickleFindings) {
        for found in other.imports {
            let place = add(module: found.module, name: found.name)
            if found.isCalled { call(place) }
        }
        unresolvedCount += other.unresolvedCount
        if incomplete == nil { incomplete = other.incomplete }
        if sklearnVersion.isEmpty { sklearnVersion = other.sklearnVersion }
        if estimator.isEmpty { estimator = other.estimator }
        if featureCount == nil { featureCount = other.featureCount }
        if featureNames.isEmpty { featureNames = other.featureNames }
        for tensor in other.weights.tensors { weights.add(tensor, keeping: limits.listCountMax) }
        hasJoblibArrays = hasJoblibArrays || other.hasJoblibArrays
        isTorchLegacy = isTorchLegacy || other.isTorchLegacy
    }

    static let frameworks: Set<String> = ["sklearn", "xgboost", "lightgbm", "catboost", "imblearn", "statsmodels"]
}

extension PickleImport {
    /// The package that it belongs to.
    var framework: String { module.split(separator: ".").first.map(String.init) ?? "" }
}
