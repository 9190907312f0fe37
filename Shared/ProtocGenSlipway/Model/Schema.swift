internal import Protobuf

typealias FileProto = Google.Protobuf.FileDescriptorProto
typealias MessageProto = Google.Protobuf.DescriptorProto
typealias FieldProto = Google.Protobuf.FieldDescriptorProto
typealias EnumProto = Google.Protobuf.EnumDescriptorProto
typealias ServiceProto = Google.Protobuf.ServiceDescriptorProto

/// Every type of the request by its full name, with the names it gets in Swift.
struct Schema {
    struct Message {
        let proto: MessageProto
        let fullName: String
        let swiftName: String
        let isProto3: Bool
    }

    let files: [FileProto]
    /// The files to generate, in the order asked for.
    let wanted: [FileProto]
    private(set) var messages: [String: Message] = [:]
    /// The swift names of enums.
    private(set) var enums: [String: String] = [:]
    /// The short name of every type, to see which of the standard library's are hidden by one.
    private(set) var shortNames: Set<String> = []

    init(_ request: Google.Protobuf.Compiler.CodeGeneratorRequest, options: Options) throws {
        files = request.protoFile
        let byName = Dictionary(files.map { ($0.name ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        wanted = try request.fileToGenerate.map { name in
            guard let file = byName[name] else { throw GeneratorError("the request lacks the file \(name)") }
            return file
        }
        for file in files {
            let namespace = Self.namespace(of: file)
            let scope = Scope(
                proto: file.package.map { $0.isEmpty ? "" : "." + $0 } ?? "", swift: namespace,
                isProto3: file.syntax == "proto3")
            for message in file.messageType { add(message, in: scope) }
            for type in file.enumType { add(type, in: scope) }
        }
        for file in wanted { try check(file) }
    }

    private struct Scope {
        let proto: String
        let swift: String
        let isProto3: Bool

        func swiftName(_ name: String) -> String { swift.isEmpty ? name : swift + "." + name }
    }

    private mutating func add(_ message: MessageProto, in scope: Scope) {
        let name = message.name ?? ""
        let swiftName = scope.swiftName(Names.type(name))
        let inner = Scope(proto: scope.proto + "." + name, swift: swiftName, isProto3: scope.isProto3)
        messages[inner.proto] = Message(
            proto: message, fullName: inner.proto, swiftName: swiftName, isProto3: scope.isProto3)
        shortNames.insert(Names.type(name))
        for oneof in message.oneofDecl { shortNames.insert(Names.type(oneof.name ?? "")) }
        for nested in message.nestedType { add(nested, in: inner) }
        for type in message.enumType { add(type, in: inner) }
    }

    private mutating func add(_ type: EnumProto, in scope: Scope) {
        let name = type.name ?? ""
        enums[scope.proto + "." + name] = scope.swiftName(Names.type(name))
        shortNames.insert(Names.type(name))
    }

    /// `slipway.models.v1` to `Slipway.Models.V1`; empty without a package.
    static func namespace(of file: FileProto) -> String {
        (file.package ?? "").split(separator: ".").map { Names.type($0) }.joined(separator: ".")
    }

    /// A type of the standard library, qualified when some message would hide it.
    func standard(_ name: String) -> String { shortNames.contains(name) ? "Swift." + name : name }

    /// Proto2 is read as far as `descriptor.proto` and custom options need it.
    private func check(_ file: FileProto) throws {
        let name = file.name ?? ""
        let syntax = file.syntax ?? "proto2"
        guard syntax == "proto3" || syntax == "proto2" || syntax.isEmpty else {
            throw GeneratorError("\(name): \(syntax) is not supported, proto3 is")
        }
        func visit(_ message: MessageProto, _ path: String) throws {
            for field in message.field {
                // descriptor.proto has two required fields, in a message that protoc never sends.
                if field.label == .required, name != "google/protobuf/descriptor.proto" {
                    throw GeneratorError("\(name): \(path).\(field.name ?? "") is required, which proto3 has not")
                }
                if field.type == .group {
                    throw GeneratorError("\(name): \(path).\(field.name ?? "") is a group, which proto3 has not")
                }
            }
            for nested in message.nestedType { try visit(nested, path + "." + (nested.name ?? "")) }
        }
        for message in file.messageType { try visit(message, message.name ?? "") }
    }

    /// True when a value of the message type `target` holds one of the type `origin` in line, so that a field of it
    /// inside `origin` would make the struct infinitely large.
    func holds(_ target: String, _ origin: String) -> Bool {
        var seen: Set<String> = []
        func visit(_ name: String) -> Bool {
            if name == origin { return true }
            guard seen.insert(name).inserted, let message = messages[name] else { return false }
            return message.proto.field.contains { field in
                field.label != .repeated && field.type == .message && visit(field.typeName ?? "")
            }
        }
        return visit(target)
    }
}
