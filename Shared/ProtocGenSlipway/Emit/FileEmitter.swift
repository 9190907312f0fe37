internal import Protobuf

/// Writes what one proto file declares.
struct FileEmitter {
    let file: FileProto
    let schema: Schema
    let options: Options
    let comments: Comments
    let namespace: String
    let prefix: String

    init(file: FileProto, schema: Schema, options: Options) {
        self.file = file
        self.schema = schema
        self.options = options
        comments = options.comments ? Comments(file) : Comments()
        namespace = Schema.namespace(of: file)
        prefix = file.package.map { $0.isEmpty ? "" : "." + $0 } ?? ""
    }

    var access: String { options.access }

    func emit(into code: inout CodeWriter) throws {
        try inNamespace(&code) { code in
            for (index, type) in file.enumType.enumerated() {
                emit(type, prefix: prefix, path: [5, Int32(index)], into: &code)
                code.line()
            }
            for (index, message) in file.messageType.enumerated() {
                guard let message = schema.messages[prefix + "." + (message.name ?? "")] else { continue }
                try emit(message, path: [4, Int32(index)], into: &code)
                code.line()
            }
            if options.services {
                for (index, service) in file.service.enumerated() {
                    try ServiceEmitter(service, file: self, path: [6, Int32(index)]).emitNamespace(into: &code)
                    code.line()
                }
            }
            emitFileDescriptor(into: &code)
        }
        if options.services {
            for (index, service) in file.service.enumerated() {
                try ServiceEmitter(service, file: self, path: [6, Int32(index)]).emitExtensions(into: &code)
            }
        }
        try emitExtensions(file.extension, into: &code)
        for message in file.messageType { try emitNestedExtensions(message, into: &code) }
    }

    private func inNamespace(_ code: inout CodeWriter, _ body: (inout CodeWriter) throws -> Void) rethrows {
        if namespace.isEmpty {
            try body(&code)
        } else {
            try code.block("extension \(namespace)", body)
        }
    }

    private func emitNestedExtensions(_ message: MessageProto, into code: inout CodeWriter) throws {
        try emitExtensions(message.extension, into: &code)
        for nested in message.nestedType { try emitNestedExtensions(nested, into: &code) }
    }

    /// Custom options and other extension fields: read from the fields that the extended message keeps as unknown.
    private func emitExtensions(_ extensions: [FieldProto], into code: inout CodeWriter) throws {
        for proto in extensions {
            let field = try Field(proto, in: nil, schema: schema, taken: Names.ofMessages)
            guard let extendee = schema.messages[proto.extendee ?? ""] else {
                throw GeneratorError("\(proto.extendee ?? "") is not in the request")
            }
            let isRepeated = proto.label == .repeated
            let type = isRepeated ? "[\(field.valueType)]" : "\(field.valueType)?"
            code.line()
            code.block("extension \(extendee.swiftName)") { code in
                code.documentation(["The option `\(proto.name ?? "")` of number \(field.number)."])
                code.documentation(["", "- Throws: ``ProtobufError`` when the option's bytes are not of its type."])
                code.block("\(access) var \(field.name): \(type)") { code in
                    let function = isRepeated ? "values" : "value"
                    code.line("get throws { try unknownFields.\(function)(\(field.number), \(field.kind).self) }")
                }
            }
        }
    }
}
