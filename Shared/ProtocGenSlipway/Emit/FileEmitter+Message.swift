internal import Protobuf

/// A message with its fields resolved.
struct ResolvedMessage {
    struct Oneof {
        let name: String
        let typeName: String
        let fields: [Field]
        let path: [Int32]

        /// The property as seen from inside the message.
        var reference: String { Names.reference(name) }
    }

    let message: Schema.Message
    /// In the order of the proto file.
    let fields: [Field]
    let oneofs: [Int: Oneof]

    init(_ message: Schema.Message, schema: Schema, path: [Int32]) throws {
        self.message = message
        let proto = message.proto
        var taken = Names.ofMessages
        let nested = Set(
            proto.nestedType.map { Names.type($0.name ?? "") } + proto.enumType.map { Names.type($0.name ?? "") })
        var fields: [Field] = []
        for (index, field) in proto.field.enumerated() {
            let field = try Field(field, in: message, schema: schema, taken: taken, path: path + [2, Int32(index)])
            guard taken.insert(Names.bare(field.name)).inserted else {
                throw GeneratorError("\(message.fullName): two fields are named \(field.name) in Swift")
            }
            fields.append(field)
        }
        self.fields = fields
        var oneofs: [Int: Oneof] = [:]
        for (index, oneof) in proto.oneofDecl.enumerated() {
            let members = fields.filter { if case .oneof(index) = $0.shape { true } else { false } }
            if members.isEmpty { continue }
            var typeName = Names.type(oneof.name ?? "")
            if nested.contains(typeName) { typeName += "Choice" }
            oneofs[index] = Oneof(
                name: Names.member(oneof.name ?? "", taken: taken), typeName: typeName, fields: members,
                path: path + [8, Int32(index)])
        }
        self.oneofs = oneofs
    }

    /// Fields as they are stored, a oneof at the place of its first member.
    enum Stored {
        case field(Field)
        case oneof(Oneof)
    }

    var stored: [Stored] {
        var seen: Set<Int> = []
        return fields.compactMap { field in
            guard case .oneof(let index) = field.shape else { return .field(field) }
            guard seen.insert(index).inserted, let oneof = oneofs[index] else { return nil }
            return .oneof(oneof)
        }
    }

    /// Fields by number, where members of a oneof that follow one another are taken together.
    var numbered: [Stored] {
        var result: [Stored] = []
        var last = -1
        for field in fields.sorted(by: { $0.number < $1.number }) {
            guard case .oneof(let index) = field.shape, let oneof = oneofs[index] else {
                result.append(.field(field))
                last = -1
                continue
            }
            if index == last, case .oneof(let group)? = result.last {
                result[result.count - 1] = .oneof(group.with(group.fields + [field]))
            } else {
                result.append(.oneof(oneof.with([field])))
            }
            last = index
        }
        return result
    }
}

extension ResolvedMessage.Oneof {
    func with(_ fields: [Field]) -> Self { Self(name: name, typeName: typeName, fields: fields, path: path) }
}

extension FileEmitter {
    func emit(_ message: Schema.Message, path: [Int32], into code: inout CodeWriter) throws {
        let resolved = try ResolvedMessage(message, schema: schema, path: path)
        let proto = message.proto
        code.documentation(comments.lines(at: path))
        try code.block("\(access) struct \(Names.type(proto.name ?? "")): Protobuf.Message") { code in
            for (index, type) in proto.enumType.enumerated() {
                emit(type, prefix: message.fullName, path: path + [4, Int32(index)], into: &code)
                code.line()
            }
            for (index, nested) in proto.nestedType.enumerated() where nested.options?.mapEntry != true {
                guard let inner = schema.messages[message.fullName + "." + (nested.name ?? "")] else { continue }
                try emit(inner, path: path + [3, Int32(index)], into: &code)
                code.line()
            }
            emitOneofs(resolved, into: &code)
            emitProperties(resolved, into: &code)
            emitInitializers(resolved, into: &code)
            emitNames(resolved, into: &code)
            emitSize(resolved, into: &code)
            emitEncode(resolved, into: &code)
            emitMerge(resolved, into: &code)
            emitEncodeJSON(resolved, into: &code)
            emitMergeJSON(resolved, into: &code)
        }
    }

    private func emitOneofs(_ message: ResolvedMessage, into code: inout CodeWriter) {
        for case .oneof(let oneof) in message.stored {
            code.documentation(comments.lines(at: oneof.path))
            code.block("\(access) enum \(oneof.typeName): Hashable, Sendable") { code in
                for field in oneof.fields {
                    code.documentation(comments.lines(at: field.path))
                    code.line("\(field.isRecursive ? "indirect " : "")case \(field.name)(\(field.valueType))")
                }
            }
            code.line()
        }
    }

    private func emitProperties(_ message: ResolvedMessage, into code: inout CodeWriter) {
        for stored in message.stored {
            switch stored {
            case .oneof(let oneof):
                code.documentation(comments.lines(at: oneof.path))
                code.line("\(access) var \(oneof.name): \(oneof.typeName)? = nil")
            case .field(let field):
                code.documentation(comments.lines(at: field.path))
                if case .boxed = field.shape {
                    code.block("\(access) var \(field.name): \(field.valueType)?") { code in
                        code.line("get { \(boxName(field))?.value }")
                        code.line("set { \(boxName(field)) = newValue.map { Protobuf.Box($0) } }")
                    }
                    code.line("private var \(boxName(field)): Protobuf.Box<\(field.valueType)>? = nil")
                } else {
                    code.line("\(access) var \(field.name): \(field.propertyType(schema)) = \(field.initialValue)")
                }
            }
        }
        code.line("\(access) var unknownFields = Protobuf.UnknownFields()")
        code.line()
    }

    func boxName(_ field: Field) -> String { "boxed" + Names.type(field.protoName) }

    private func emitInitializers(_ message: ResolvedMessage, into code: inout CodeWriter) {
        code.line("\(access) init() {}")
        let stored = message.stored
        // A call with a hundred defaulted arguments helps nobody and takes long to compile.
        guard !stored.isEmpty, stored.count <= 32 else { return code.line() }
        code.line("\(access) init(")
        code.indented { code in
            for (index, stored) in stored.enumerated() {
                let comma = index == message.stored.count - 1 ? "" : ","
                switch stored {
                case .oneof(let oneof): code.line("\(oneof.name): \(oneof.typeName)? = nil\(comma)")
                case .field(let field):
                    code.line("\(field.name): \(field.propertyType(schema)) = \(field.initialValue)\(comma)")
                }
            }
        }
        code.block(")") { code in
            for stored in stored {
                switch stored {
                case .oneof(let oneof): code.line("self.\(oneof.name) = \(oneof.name)")
                case .field(let field): code.line("self.\(field.name) = \(field.name)")
                }
            }
        }
        code.line()
    }

    private func emitNames(_ message: ResolvedMessage, into code: inout CodeWriter) {
        let name = String(message.message.fullName.dropFirst())
        code.line("\(access) static var messageName: \(schema.standard("String")) { \(CodeWriter.literal(name)) }")
        if message.fields.isEmpty {
            code.line("\(access) static let fieldNames = Protobuf.FieldNames([])")
        } else {
            code.line("\(access) static let fieldNames = Protobuf.FieldNames([")
            code.indented { code in
                for field in message.fields {
                    let original = CodeWriter.literal(field.protoName)
                    code.line("(\(field.number), \(original), \(CodeWriter.literal(field.jsonName))),")
                }
            }
            code.line("])")
        }
        code.line()
    }
}
