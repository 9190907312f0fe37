/// What one request may hold.
enum RegistryLimits {
    static let filesMax = 100_000
    static let fileBytesMax: Int64 = 1 << 50
    static let labelsMax = 100
    static let labelBytesMax = 1024
    static let metricsMax = 1000
    static let aliasesMax = 100
    static let originsMax = 100
    static let textBytesMax = 65_536
    static let nameBytesMax = 256
    static let addressBytesMax = 1024
    static let licenseBytesMax = 256
    static let factsBytesMax = 4 << 20
}

extension FieldViolations {
    /// Free text: the database can't hold a zero character.
    mutating func check(text: String, _ field: String, bytesMax: Int) {
        if text.utf8.count > bytesMax { add(field, "it has \(text.utf8.count) bytes; \(bytesMax) at most") }
        if text.utf8.contains(0) { add(field, "it has a zero character") }
    }

    mutating func check(model name: String, _ field: String = "name") {
        if !NameRules.isModel(name) { add(field, "\(shown(name)) should be \(NameRules.model)") }
    }

    mutating func check(alias name: String, _ field: String) {
        if !NameRules.isAlias(name) { add(field, "\(shown(name)) should be \(NameRules.alias)") }
    }

    /// Tags or properties.
    mutating func check(labels: [String: String], _ field: String) {
        if labels.count > RegistryLimits.labelsMax {
            add(field, "there are \(labels.count); \(RegistryLimits.labelsMax) at most")
        }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            let place = "\(field)[\(shown(key))]"
            check(key: key, place)
            check(text: value, place, bytesMax: RegistryLimits.labelBytesMax)
        }
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

    mutating func check(key: String, _ field: String) {
        if !NameRules.isKey(key) { add(field, "a key is \(NameRules.key)") }
    }

    mutating func check(reason: String) { check(text: reason, "reason", bytesMax: RegistryLimits.addressBytesMax) }
}
