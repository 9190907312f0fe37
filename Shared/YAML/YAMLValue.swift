/// A value of the part of YAML that environment files and `MLmodel` use.
package enum YAMLValue: Hashable, Sendable {
    case null
    /// With the line where it begins, which makes no difference between two values.
    case text(String, line: Int = 0)
    case list([YAMLValue])
    /// In the order of the file; no name comes twice.
    case map([YAMLEntry])

    package subscript(name: String) -> YAMLValue {
        guard case .map(let entries) = self else { return .null }
        return entries.first { $0.name == name }?.value ?? .null
    }

    /// The text of a scalar; nothing for anything else.
    package var text: String { if case .text(let text, _) = self { text } else { "" } }

    package var list: [YAMLValue] { if case .list(let list) = self { list } else { [] } }

    package var entries: [YAMLEntry] { if case .map(let entries) = self { entries } else { [] } }

    /// The first line that any scalar in it says; 0 where none does.
    package var line: Int {
        switch self {
        case .null: 0
        case .text(_, let line): line
        case .list(let list): list.lazy.map(\.line).first { $0 > 0 } ?? 0
        case .map(let entries): entries.lazy.map(\.value.line).first { $0 > 0 } ?? 0
        }
    }

    package static func == (one: YAMLValue, other: YAMLValue) -> Bool {
        switch (one, other) {
        case (.null, .null): true
        case (.text(let one, _), .text(let other, _)): one == other
        case (.list(let one), .list(let other)): one == other
        case (.map(let one), .map(let other)): one == other
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .text(let text, _): hasher.combine(text)
        case .list(let list): hasher.combine(list)
        case .map(let entries): hasher.combine(entries)
        }
    }
}

package struct YAMLEntry: Hashable, Sendable {
    package var name: String
    package var value: YAMLValue

    package init(name: String, value: YAMLValue) {
        self.name = name
        self.value = value
    }
}
