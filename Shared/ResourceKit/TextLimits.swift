/// What texts and labels may hold, whatever they belong to.
package enum TextLimits {
    package static let labelsMax = 100
    package static let labelBytesMax = 1024
    package static let aliasesMax = 100
    package static let textBytesMax = 65_536
    package static let nameBytesMax = 256
    package static let reasonBytesMax = 1024
}

extension FieldViolations {
    /// Free text: the database can't hold a zero character.
    package mutating func check(text: String, _ field: String, bytesMax: Int) {
        if text.utf8.count > bytesMax { add(field, "it has \(text.utf8.count) bytes; \(bytesMax) at most") }
        if text.utf8.contains(0) { add(field, "it has a zero character") }
    }

    package mutating func check(alias name: String, _ field: String) {
        if !NameRules.isAlias(name) { add(field, "\(shown(name)) should be \(NameRules.alias)") }
    }

    /// Tags or properties.
    package mutating func check(labels: [String: String], _ field: String) {
        if labels.count > TextLimits.labelsMax {
            add(field, "there are \(labels.count); \(TextLimits.labelsMax) at most")
        }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            let place = "\(field)[\(shown(key))]"
            check(key: key, place)
            check(text: value, place, bytesMax: TextLimits.labelBytesMax)
        }
    }

    package mutating func check(key: String, _ field: String) {
        if !NameRules.isKey(key) { add(field, "a key is \(NameRules.key)") }
    }

    package mutating func check(reason: String) {
        check(text: reason, "reason", bytesMax: TextLimits.reasonBytesMax)
    }

    /// What is to be set and what is to go.
    package mutating func check(set: [String: String], remove: [String]) {
        for (index, key) in remove.enumerated() where set[key] != nil {
            add("remove_tags[\(index)]", "\(shown(key)) is in set_tags too: one or the other")
        }
    }
}
