extension FileEmitter {
    func emitSize(_ message: ResolvedMessage, into code: inout CodeWriter) {
        let int = schema.standard("Int")
        if message.fields.isEmpty {
            code.line("\(access) var encodedSize: \(int) { unknownFields.count }")
            return code.line()
        }
        code.block("\(access) var encodedSize: \(int)") { code in
            code.line("var size = unknownFields.count")
            for stored in message.numbered {
                switch stored {
                case .oneof(let oneof):
                    switchOver(oneof, of: message, into: &code) { field in
                        "size &+= \(field.tagSize) &+ \(field.kind).size(value)"
                    }
                case .field(let field): code.line(Self.size(field, box: boxName(field)))
                }
            }
            code.line("return size")
        }
        code.line()
    }

    private static func size(_ field: Field, box: String) -> String {
        let one = "size &+= \(field.tagSize) &+ \(field.kind)"
        switch field.shape {
        case .implicit: return "if \(field.isSet) { \(one).size(\(field.reference)) }"
        case .explicit where field.type == .message:
            return "size &+= Protobuf.Wire.size(\(field.reference), tagSize: \(field.tagSize))"
        case .explicit, .oneof: return "if let value = \(field.reference) { \(one).size(value) }"
        case .boxed: return "if let box = \(box) { \(one).size(box.value) }"
        case .repeated:
            return
                "size &+= Protobuf.Wire.repeatedSize(\(field.reference), \(field.kind).self, tagSize: \(field.tagSize))"
        case .packed:
            return
                "size &+= Protobuf.Wire.packedSize(\(field.reference), \(field.kind).self, tagSize: \(field.tagSize))"
        case .map(let key, let value):
            return "size &+= Protobuf.Wire.mapSize("
                + "\(field.reference), \(key.kind).self, \(value.kind).self, tagSize: \(field.tagSize))"
        }
    }

    /// A switch over the members of a oneof that are given, or an `if` when it is only one.
    private func switchOver(
        _ oneof: ResolvedMessage.Oneof, of message: ResolvedMessage, into code: inout CodeWriter,
        _ statement: (Field) -> String
    ) {
        if oneof.fields.count == 1, let field = oneof.fields.first {
            return code.line("if case .\(field.name)(let value)? = \(oneof.reference) { \(statement(field)) }")
        }
        let isWhole = message.oneofs.values.contains { $0.name == oneof.name && $0.fields.count == oneof.fields.count }
        code.line("switch \(oneof.reference) {")
        for field in oneof.fields { code.line("case .\(field.name)(let value)?: \(statement(field))") }
        code.line(isWhole ? "case nil: break" : "default: break")
        code.line("}")
    }

    func emitEncode(_ message: ResolvedMessage, into code: inout CodeWriter) {
        code.block("\(access) func encode(into writer: inout Protobuf.Writer)") { code in
            code.line("writer.unknown(unknownFields)")
            for stored in message.numbered.reversed() {
                switch stored {
                case .oneof(let oneof):
                    switchOver(oneof, of: message, into: &code) { field in
                        "\(field.kind).write(value, to: &writer); writer.tag(\(field.tag))"
                    }
                case .field(let field): code.line(Self.encode(field, box: boxName(field)))
                }
            }
        }
        code.line()
    }

    private static func encode(_ field: Field, box: String) -> String {
        func one(_ value: String) -> String { "\(field.kind).write(\(value), to: &writer); writer.tag(\(field.tag))" }
        switch field.shape {
        case .implicit: return "if \(field.isSet) { \(one(field.reference)) }"
        case .explicit where field.type == .message:
            return "writer.message(\(field.reference), tag: \(field.tag))"
        case .explicit, .oneof: return "if let value = \(field.reference) { \(one("value")) }"
        case .boxed: return "if let box = \(box) { \(one("box.value")) }"
        case .repeated: return "writer.repeated(\(field.reference), \(field.kind).self, tag: \(field.tag))"
        case .packed: return "writer.packed(\(field.reference), \(field.kind).self, tag: \(field.delimitedTag))"
        case .map(let key, let value):
            return "writer.map(\(field.reference), \(key.kind).self, \(value.kind).self, tag: \(field.delimitedTag))"
        }
    }

    func emitMerge(_ message: ResolvedMessage, into code: inout CodeWriter) {
        code.block("\(access) mutating func merge(from reader: inout Protobuf.Reader) throws") { code in
            code.block("while true") { code in
                code.line("let tag = try reader.nextTag()")
                code.line("switch tag {")
                code.line("case 0: return")
                for field in message.fields { emitCases(field, of: message, into: &code) }
                code.line("default: try reader.unknown(tag, into: &unknownFields)")
                code.line("}")
            }
        }
        code.line()
    }

    private func emitCases(_ field: Field, of message: ResolvedMessage, into code: inout CodeWriter) {
        switch field.shape {
        case .implicit: code.line("case \(field.tag): \(field.reference) = try \(field.kind).read(from: &reader)")
        case .explicit:
            if field.type == .message {
                code.line("case \(field.tag): try reader.message(&\(field.reference))")
            } else {
                code.line("case \(field.tag): \(field.reference) = try \(field.kind).read(from: &reader)")
            }
        case .boxed: code.line("case \(field.tag): try reader.message(&\(boxName(field)))")
        case .repeated, .packed:
            code.line(
                "case \(field.tag): try reader.repeated(&\(field.reference), \(field.kind).self, tag: \(field.tag))")
            if field.isPackable {
                code.line("case \(field.delimitedTag): try reader.packed(&\(field.reference), \(field.kind).self)")
            }
        case .map(let key, let value):
            let kinds = "\(key.kind).self, \(value.kind).self"
            code.line(
                "case \(field.delimitedTag): try reader.map(&\(field.reference), \(kinds), tag: \(field.delimitedTag))")
        case .oneof(let index):
            guard let oneof = message.oneofs[index] else { return }
            guard field.type == .message else {
                return code.line(
                    "case \(field.tag): \(oneof.reference) = .\(field.name)(try \(field.kind).read(from: &reader))")
            }
            code.line("case \(field.tag):")
            code.indented { code in
                code.line("var value = \(field.valueType)()")
                code.line("if case .\(field.name)(let current)? = \(oneof.reference) { value = current }")
                code.line("\(oneof.reference) = nil")
                code.line("try reader.message(&value)")
                code.line("\(oneof.reference) = .\(field.name)(value)")
            }
        }
    }
}
