internal import Protobuf

extension FileEmitter {
    /// `models.proto` in the package `slipway.models.v1` is `Slipway.Models.V1.modelsFile`.
    static func descriptorName(_ file: FileProto) -> String {
        let name = file.name ?? ""
        let stem = name.split(separator: "/").last.map { $0.hasSuffix(".proto") ? $0.dropLast(6) : $0 } ?? "proto"
        let safe = String(stem.map { $0.isLetter || $0.isNumber ? $0 : "_" })
        return Names.bare(Names.camel(safe, capital: false)) + "File"
    }

    static func descriptorPath(_ file: FileProto) -> String {
        let namespace = Schema.namespace(of: file)
        return namespace.isEmpty ? descriptorName(file) : namespace + "." + descriptorName(file)
    }

    func emitFileDescriptor(into code: inout CodeWriter) {
        var stripped = file
        // Comments are large, and reflection does not need them.
        stripped.sourceCodeInfo = nil
        let base64 = Base64.encode(stripped.serialized()[...])
        let keyword = namespace.isEmpty ? "let" : "static let"
        let imported = file.dependency.compactMap { name in schema.files.first { $0.name == name } }
        code.documentation(["`\(file.name ?? "")` itself, for reflection and for `Any` in JSON."])
        code.line("\(access) \(keyword) \(Self.descriptorName(file)) = Protobuf.FileDescriptor(")
        code.indented { code in
            code.line("name: \(CodeWriter.literal(file.name ?? "")),")
            code.line("package: \(CodeWriter.literal(file.package ?? "")),")
            code.line("dependencies: [\(file.dependency.map(CodeWriter.literal).joined(separator: ", "))],")
            list("symbols", symbols().map(CodeWriter.literal), into: &code)
            list("messages", swiftMessages().map { $0 + ".self" }, into: &code)
            code.line("imports: { [\(imported.map(Self.descriptorPath).joined(separator: ", "))] },")
            code.line("base64: \"\"\"")
            code.indented { code in
                var rest = base64[...]
                while rest.count > 100 {
                    code.line(rest.prefix(100) + "\\")
                    rest = rest.dropFirst(100)
                }
                code.line(String(rest))
                code.line("\"\"\"")
            }
        }
        code.line(")")
    }

    private func list(_ label: String, _ items: [String], into code: inout CodeWriter) {
        if items.isEmpty { return code.line("\(label): [],") }
        code.line("\(label): [")
        code.indented { code in for item in items { code.line(item + ",") } }
        code.line("],")
    }

    private func symbols() -> [String] {
        let prefix = file.package.map { $0.isEmpty ? "" : $0 + "." } ?? ""
        var found: [String] = []
        func visit(_ message: MessageProto, _ prefix: String) {
            let name = prefix + (message.name ?? "")
            found.append(name)
            for type in message.enumType { found.append(name + "." + (type.name ?? "")) }
            for field in message.extension { found.append(name + "." + (field.name ?? "")) }
            for nested in message.nestedType where nested.options?.mapEntry != true { visit(nested, name + ".") }
        }
        for type in file.enumType { found.append(prefix + (type.name ?? "")) }
        for message in file.messageType { visit(message, prefix) }
        for field in file.extension { found.append(prefix + (field.name ?? "")) }
        for service in file.service {
            found.append(prefix + (service.name ?? ""))
            for method in service.method { found.append(prefix + (service.name ?? "") + "." + (method.name ?? "")) }
        }
        return found
    }

    private func swiftMessages() -> [String] {
        var found: [String] = []
        func visit(_ message: MessageProto, _ path: String) {
            let fullName = path + "." + (message.name ?? "")
            if message.options?.mapEntry == true { return }
            if let message = schema.messages[fullName] { found.append(message.swiftName) }
            for nested in message.nestedType { visit(nested, fullName) }
        }
        for message in file.messageType { visit(message, prefix) }
        return found
    }
}
