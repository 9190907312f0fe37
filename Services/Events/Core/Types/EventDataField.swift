/// A member of an event's data: what it is called, what it is, and where in the journal's row it comes from.
struct EventDataField: Sendable {
    /// What a value is, in the words of a schema.
    enum Kind: Sendable {
        case text
        case integer
        case number
        case texts
        /// Texts by name, such as tags.
        case textMap
        case numberMap
        /// A time as RFC 3339 has it.
        case time
        case object([EventDataField])
    }

    enum Source: Sendable {
        /// A member of what the row says was before, or is after, the change.
        case before(String)
        case after(String)
        case subjectName, subjectVersion, subjectAlias, subjectLast
        case workspace
        /// What the row is about, whole.
        case subject
        /// The members come from what was before.
        case previous
    }

    let name: String
    let kind: Kind
    let source: Source
    let isRequired: Bool
    let description: String

    init(_ name: String, _ kind: Kind, _ source: Source, optional: Bool = false, _ description: String) {
        self.name = name
        self.kind = kind
        self.source = source
        isRequired = !optional
        self.description = description
    }

    /// From the member of what is after the change that has the same name.
    init(_ name: String, _ kind: Kind, optional: Bool = false, _ description: String) {
        self.init(name, kind, .after(name), optional: optional, description)
    }

    static func members(_ fields: [EventDataField], of row: JournalSource) -> [EventValue.Member] {
        fields.compactMap { field in field.value(of: row).map { EventValue.Member(name: field.name, value: $0) } }
    }

    /// Nil where there is nothing of the kind, and it may be missing.
    private func value(of row: JournalSource) -> EventValue? {
        if let found = found(in: row).flatMap(kind.taken) { return found }
        return isRequired ? kind.nothing : nil
    }

    private func found(in row: JournalSource) -> EventValue? {
        switch source {
        case .before(let name): row.before[name]
        case .after(let name): row.after[name]
        case .subjectName: .text(row.subject.name)
        case .subjectVersion: row.subject.version.map { .integer($0) }
        case .subjectAlias: row.subject.alias.map { .text($0) }
        case .subjectLast: .text(row.subject.last)
        case .workspace: row.entry.workspace.map { .text($0) }
        case .subject: .text(row.entry.subject)
        case .previous: row.before == .null ? nil : row.before
        }
    }
}

extension EventDataField.Kind {
    /// The value as the schema has it; nil for one of another kind.
    func taken(_ value: EventValue) -> EventValue? {
        switch (self, value) {
        case (.text, .text), (.time, .text), (.integer, .integer), (.number, .integer), (.number, .number): value
        case (.texts, .list(let elements)): .list(elements.filter { EventDataField.Kind.text.taken($0) != nil })
        case (.textMap, .object(let members)):
            .object(members.filter { EventDataField.Kind.text.taken($0.value) != nil })
        case (.numberMap, .object(let members)):
            .object(members.filter { EventDataField.Kind.number.taken($0.value) != nil })
        case (.object(let fields), .object):
            .object(
                fields.compactMap { field in
                    value[field.name].flatMap(field.kind.taken).map { EventValue.Member(name: field.name, value: $0) }
                })
        default: nil
        }
    }

    /// What stands for a value that has to be there and is not: rows that were written long ago say less.
    var nothing: EventValue {
        switch self {
        case .text, .time: ""
        case .integer, .number: 0
        case .texts: []
        case .textMap, .numberMap, .object: [:]
        }
    }

    /// The value's schema, but its description.
    var schema: [EventValue.Member] {
        func member(_ name: String, _ value: EventValue) -> EventValue.Member { .init(name: name, value: value) }
        switch self {
        case .text: return [member("type", "string")]
        case .time: return [member("type", "string"), member("format", "date-time")]
        case .integer: return [member("type", "integer")]
        case .number: return [member("type", "number")]
        case .texts: return [member("type", "array"), member("items", ["type": "string"])]
        case .textMap: return [member("type", "object"), member("additionalProperties", ["type": "string"])]
        case .numberMap: return [member("type", "object"), member("additionalProperties", ["type": "number"])]
        case .object(let fields): return EventDataField.schema(of: fields, areRequired: false)
        }
    }
}

extension EventDataField {
    /// Members may come to a type later: who reads events passes over what it does not know.
    static func schema(of fields: [EventDataField], areRequired: Bool = true) -> [EventValue.Member] {
        let properties = fields.map { field in
            EventValue.Member(
                name: field.name,
                value: .object(field.kind.schema + [.init(name: "description", value: .text(field.description))]))
        }
        var schema: [EventValue.Member] = [
            .init(name: "type", value: "object"), .init(name: "properties", value: .object(properties)),
        ]
        let required = fields.filter { areRequired && $0.isRequired }.map { EventValue.text($0.name) }
        if !required.isEmpty { schema.append(.init(name: "required", value: .list(required))) }
        return schema
    }
}
