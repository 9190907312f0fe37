import ResourceKit

/// What one request may hold, beside the limits of all texts.
enum RegistryLimits {
    static let filesMax = 100_000
    static let fileBytesMax: Int64 = 1 << 50
    static let metricsMax = 1000
    static let originsMax = 100
    static let addressBytesMax = 1024
    static let licenseBytesMax = 256
    static let factsBytesMax = 4 << 20
}

extension FieldViolations {
    mutating func check(model name: String, _ field: String = "name") {
        if !NameRules.isModel(name) { add(field, "\(shown(name)) should be \(NameRules.model)") }
    }

    mutating func check(metrics: [String: Double], _ field: String) {
        if metrics.count > RegistryLimits.metricsMax {
            add(field, "there are \(metrics.count); \(RegistryLimits.metricsMax) at most")
        }
        for (key, value) in metrics.sorted(by: { $0.key < $1.key }) {
            let place = "\(field)[\(shown(key))]"
            check(key: key, place)
            if !value.isFinite { add(place, "\(value) is no number that can be compared; leave the metric out") }
        }
    }
}
