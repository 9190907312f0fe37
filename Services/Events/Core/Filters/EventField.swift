/// What a filter can ask of an event.
enum EventField: Hashable {
    case type, subject, source, actor, workspace, id, time, trace
    /// A place in the data, from the top: `data.tags.team`.
    case data([String])

    private static let byName: [String: EventField] = [
        "type": .type, "subject": .subject, "source": .source, "actor": .actor, "workspace": .workspace, "id": .id,
        "time": .time, "trace": .trace,
    ]

    /// The names that a filter can begin a field with.
    static let names = byName.keys.sorted() + ["data"]

    init?(name: String) {
        guard let field = EventField.byName[name.lowercased()] else { return nil }
        self = field
    }

    var text: String {
        switch self {
        case .data(let path): "data." + path.map(EventField.quoted).joined(separator: ".")
        default: EventField.byName.first { $0.value == self }?.key ?? ""
        }
    }

    private static func quoted(_ key: String) -> String {
        let isPlain = key.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        return isPlain && !key.isEmpty ? key : "\"" + key.replacing("\"", with: "\"\"") + "\""
    }
}
