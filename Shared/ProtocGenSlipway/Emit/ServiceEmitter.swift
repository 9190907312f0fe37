internal import Protobuf

/// Writes a service's descriptors, protocols and client.
struct ServiceEmitter {
    enum Shape: String {
        case unary, serverStreaming, clientStreaming, bidirectional
    }

    struct Method {
        let name: String
        let swiftName: String
        let input: String
        let output: String
        let shape: Shape
        let idempotency: String
        let options: [UInt8]
        let comments: [String]
    }

    let file: FileEmitter
    let name: String
    let fullName: String
    /// The service's namespace in Swift, from the outermost on.
    let swiftName: String
    let methods: [Method]
    let comments: [String]

    var access: String { file.access }

    init(_ service: ServiceProto, file: FileEmitter, path: [Int32]) throws {
        self.file = file
        let protoName = service.name ?? ""
        name = Names.type(protoName)
        fullName = String((file.prefix + "." + protoName).dropFirst())
        swiftName = file.namespace.isEmpty ? name : file.namespace + "." + name
        comments = file.comments.lines(at: path)
        var taken: Set<String> = ["handlers", "descriptor", "channel"]
        methods = try service.method.enumerated().map { index, method in
            guard let input = file.schema.messages[method.inputType ?? ""],
                let output = file.schema.messages[method.outputType ?? ""]
            else { throw GeneratorError("a message of \(protoName).\(method.name ?? "") is not in the request") }
            let swiftName = Names.member(method.name ?? "", taken: taken)
            guard taken.insert(Names.bare(swiftName)).inserted else {
                throw GeneratorError("\(protoName): two methods are named \(swiftName) in Swift")
            }
            return Method(
                name: method.name ?? "", swiftName: swiftName, input: input.swiftName, output: output.swiftName,
                shape: Self.shape(method), idempotency: Self.idempotency(method),
                options: method.options?.serialized() ?? [],
                comments: file.comments.lines(at: path + [2, Int32(index)]))
        }
    }

    private static func shape(_ method: Google.Protobuf.MethodDescriptorProto) -> Shape {
        switch (method.clientStreaming ?? false, method.serverStreaming ?? false) {
        case (false, false): .unary
        case (false, true): .serverStreaming
        case (true, false): .clientStreaming
        case (true, true): .bidirectional
        }
    }

    private static func idempotency(_ method: Google.Protobuf.MethodDescriptorProto) -> String {
        switch method.options?.idempotencyLevel {
        case .noSideEffects?: "noSideEffects"
        case .idempotent?: "idempotent"
        default: "unknown"
        }
    }

    func emitNamespace(into code: inout CodeWriter) {
        code.documentation(comments)
        code.block("\(access) enum \(name)") { code in
            emitDescriptors(into: &code)
            emitProtocols(into: &code)
            emitClient(into: &code)
        }
    }

    private func emitDescriptors(into code: inout CodeWriter) {
        let list = methods.map { "Methods.\($0.swiftName).method" }.joined(separator: ", ")
        code.line("/// The service's name, methods and file.")
        code.line("\(access) static let descriptor = RPC.ServiceDescriptor(")
        code.indented { code in
            code.line("fullName: \(CodeWriter.literal(fullName)),")
            code.line("methods: [\(list)],")
            code.line("file: \(FileEmitter.descriptorPath(file.file))")
        }
        code.line(")")
        code.line()
        code.line("/// The methods with the types of their messages.")
        code.block("\(access) enum Methods") { code in
            for method in methods {
                let options = method.options.map { String($0) }.joined(separator: ", ")
                code.documentation(method.comments)
                code.line(
                    "\(access) static let \(method.swiftName) = RPC.MethodDescriptor<\(method.input), \(method.output)>("
                )
                code.indented { code in
                    code.line("service: \(CodeWriter.literal(fullName)), name: \(CodeWriter.literal(method.name)),")
                    code.line(
                        "shape: .\(method.shape), idempotency: .\(method.idempotency), options: [\(options)]")
                }
                code.line(")")
            }
        }
        code.line()
    }
}
