/// A value of the part of YAML that environment files and `MLmodel` use.
enum YAMLValue: Hashable {
    case null
    case text(String)
    case list([YAMLValue])
    /// In the order of the file; no name comes twice.
    case map([YAMLEntry])

    subscript(name: String) -> YAMLValue {
        guard case .map(let entries) = self else { return .null }
        return entries.first { $0.name == name }?.value ?? .null
    }

    /// The text of a scalar; nothing for anything else.
    var text: String { if case .text(let text) = self { text } else { "" } }

    var list: [YAMLValue] { if case .list(let list) = self { list } else { [] } }

    var entries: [YAMLEntry] { if case .map(let entries) = self { entries } else { [] } }
}

struct YAMLEntry: Hashable {
    var name: String
    var value: YAMLValue
}
