/// The server's side comes in three heights: every method over streams, messages with their metadata, and messages
/// alone. Each refines the one below it with defaults, so that a service drops a level only where it needs to.
extension ServiceEmitter {
    func streamingSignature(_ method: Method) -> String {
        "func \(method.swiftName)(requests: RPC.RequestStream<\(method.input)>, "
            + "responses: RPC.ResponseWriter<\(method.output)>, context: RPC.ServerContext) async throws"
    }

    func plainSignature(_ method: Method) -> String? {
        switch method.shape {
        case .unary:
            "func \(method.swiftName)(request: RPC.ServerRequest<\(method.input)>, context: RPC.ServerContext) "
                + "async throws -> RPC.ServerResponse<\(method.output)>"
        case .serverStreaming:
            "func \(method.swiftName)(request: RPC.ServerRequest<\(method.input)>, "
                + "responses: RPC.ResponseWriter<\(method.output)>, context: RPC.ServerContext) async throws"
        case .clientStreaming:
            "func \(method.swiftName)(requests: RPC.RequestStream<\(method.input)>, context: RPC.ServerContext) "
                + "async throws -> RPC.ServerResponse<\(method.output)>"
        case .bidirectional: nil
        }
    }

    func simpleSignature(_ method: Method) -> String? {
        switch method.shape {
        case .unary:
            "func \(method.swiftName)(_ request: \(method.input), context: RPC.ServerContext) "
                + "async throws -> \(method.output)"
        case .serverStreaming:
            "func \(method.swiftName)(_ request: \(method.input), "
                + "responses: RPC.ResponseWriter<\(method.output)>, context: RPC.ServerContext) async throws"
        case .clientStreaming:
            "func \(method.swiftName)(_ requests: RPC.RequestStream<\(method.input)>, context: RPC.ServerContext) "
                + "async throws -> \(method.output)"
        case .bidirectional: nil
        }
    }

    func emitProtocols(into code: inout CodeWriter) {
        func requirements(_ signature: (Method) -> String?, _ code: inout CodeWriter) {
            for method in methods {
                guard let signature = signature(method) else { continue }
                code.documentation(method.comments)
                code.line(signature)
            }
        }
        code.line("/// The service with every method over streams.")
        code.block("\(access) protocol StreamingService: RPC.RPCService") { code in
            requirements(streamingSignature, &code)
        }
        code.line()
        code.line("/// The service over messages with their metadata.")
        code.block("\(access) protocol Service: StreamingService") { code in requirements(plainSignature, &code) }
        code.line()
        code.line("/// The service over messages alone.")
        code.block("\(access) protocol SimpleService: Service") { code in requirements(simpleSignature, &code) }
        code.line()
    }

    func emitExtensions(into code: inout CodeWriter) {
        code.line()
        code.block("extension \(swiftName).StreamingService") { code in
            emitHandlers(into: &code) { method in
                (
                    "streaming", "requests, responses, context",
                    "requests: requests, responses: responses, context: context"
                )
            }
        }
        code.line()
        code.block("extension \(swiftName).Service") { code in
            for method in methods where method.shape != .bidirectional { emitStreamingDefault(method, into: &code) }
            emitHandlers(into: &code) { method in
                method.shape == .unary
                    ? ("unary", "request, context", "request: request, context: context")
                    : (
                        "streaming", "requests, responses, context",
                        "requests: requests, responses: responses, context: context"
                    )
            }
        }
        if methods.allSatisfy({ $0.shape == .bidirectional }) { return }
        code.line()
        code.block("extension \(swiftName).SimpleService") { code in
            for method in methods { emitPlainDefault(method, into: &code) }
        }
    }

    private func emitHandlers(
        into code: inout CodeWriter, _ form: (Method) -> (factory: String, parameters: String, arguments: String)
    ) {
        code.block("\(access) func handlers() -> [RPC.MethodHandler]") { code in
            code.line("[")
            code.indented { code in
                for method in methods {
                    let (factory, parameters, arguments) = form(method)
                    let call = "try await self.\(method.swiftName)(\(arguments))"
                    code.line(".\(factory)(\(swiftName).Methods.\(method.swiftName)) { \(parameters) in \(call) },")
                }
            }
            code.line("]")
        }
    }

    private func emitStreamingDefault(_ method: Method, into code: inout CodeWriter) {
        code.block("\(access) \(streamingSignature(method))") { code in
            let (parameters, arguments) =
                switch method.shape {
                case .unary: ("request, context", "request: request, context: context")
                case .serverStreaming:
                    ("request, responses, context", "request: request, responses: responses, context: context")
                default: ("requests, context", "requests: requests, context: context")
                }
            code.block("try await RPC.ServerAdapters.\(method.shape)(requests, responses, context)") { code in
                code.line("\(parameters) in try await self.\(method.swiftName)(\(arguments))")
            }
        }
        code.line()
    }

    private func emitPlainDefault(_ method: Method, into code: inout CodeWriter) {
        guard let signature = plainSignature(method) else { return }
        code.block("\(access) \(signature)") { code in
            switch method.shape {
            case .unary:
                code.line("RPC.ServerResponse(try await self.\(method.swiftName)(request.message, context: context))")
            case .serverStreaming:
                code.line("try await self.\(method.swiftName)(request.message, responses: responses, context: context)")
            case .clientStreaming:
                code.line("RPC.ServerResponse(try await self.\(method.swiftName)(requests, context: context))")
            case .bidirectional: break
            }
        }
    }
}
