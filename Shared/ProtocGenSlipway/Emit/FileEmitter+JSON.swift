extension FileEmitter {
    func emitEncodeJSON(_ message: ResolvedMessage, into code: inout CodeWriter) {
        code.block("\(access) func encodeJSONFields(into json: inout Protobuf.JSONWriter) throws") { code in
            for stored in message.stored {
                switch stored {
                case .field(let field): code.line(Self.encode(field))
                case .oneof(let oneof):
                    code.line("switch \(oneof.reference) {")
                    for field in oneof.fields {
                        let names = Self.names(field)
                        code.line(
                            "case .\(field.name)(let value)?: try json.single(\(names), value, \(field.kind).self)")
                    }
                    code.line("case nil: break")
                    code.line("}")
                }
            }
        }
        code.line()
    }

    private static func names(_ field: Field) -> String {
        "\(CodeWriter.jsonLiteral(field.protoName)), \(CodeWriter.jsonLiteral(field.jsonName))"
    }

    private static func encode(_ field: Field) -> String {
        let names = names(field)
        switch field.shape {
        case .implicit:
            let single = "try json.single(\(names), \(field.reference), \(field.kind).self)"
            return "if \(field.isSet) || json.includesDefaults { \(single) }"
        case .explicit, .boxed, .oneof:
            return "if let value = \(field.reference) { try json.single(\(names), value, \(field.kind).self) }"
        case .repeated, .packed: return "try json.repeated(\(names), \(field.reference), \(field.kind).self)"
        case .map(let key, let value):
            return "try json.map(\(names), \(field.reference), \(key.kind).self, \(value.kind).self)"
        }
    }

    func emitMergeJSON(_ message: ResolvedMessage, into code: inout CodeWriter) {
        let int = schema.standard("Int")
        let head =
            "\(access) mutating func mergeJSONField(_ number: \(int), from json: inout Protobuf.JSONReader) throws"
        if message.fields.isEmpty { return code.line(head + " { try json.skipValue() }") }
        code.block(head) { code in
            code.line("switch number {")
            for field in message.fields { code.line("case \(field.number): \(Self.merge(field, of: message))") }
            code.line("default: try json.skipValue()")
            code.line("}")
        }
    }

    private static func merge(_ field: Field, of message: ResolvedMessage) -> String {
        switch field.shape {
        case .implicit: return "try json.implicit(&\(field.reference), \(field.kind).self)"
        case .explicit, .boxed: return "try json.explicit(&\(field.reference), \(field.kind).self)"
        case .repeated, .packed: return "try json.repeated(&\(field.reference), \(field.kind).self)"
        case .map(let key, let value):
            return "try json.map(&\(field.reference), \(key.kind).self, \(value.kind).self)"
        case .oneof(let index):
            guard let oneof = message.oneofs[index] else { return "break" }
            return "try json.oneof(&\(oneof.reference), \(field.kind).self) { .\(field.name)($0) }"
        }
    }
}
