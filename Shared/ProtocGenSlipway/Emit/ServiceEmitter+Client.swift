extension ServiceEmitter {
    /// The client: one function a method; a streaming call ends with the closure that it is lent to.
    func emitClient(into code: inout CodeWriter) {
        code.line("/// Calls the service over a channel, which several clients and tasks may share.")
        code.block("\(access) struct Client: Sendable") { code in
            code.line("\(access) let channel: any RPC.RPCChannel")
            code.line()
            code.line("\(access) init(_ channel: any RPC.RPCChannel) { self.channel = channel }")
            for method in methods {
                code.line()
                code.documentation(method.comments)
                emitCall(method, into: &code)
            }
        }
    }

    private func emitCall(_ method: Method, into code: inout CodeWriter) {
        let descriptor = "\(swiftName).Methods.\(method.swiftName)"
        let common = "metadata: RPC.Metadata = [:], options: RPC.CallOptions = RPC.CallOptions()"
        let passed = "metadata: metadata, options: options"
        let result = "CallResult"
        let head: String
        let call: String
        switch method.shape {
        case .unary:
            head = "(_ request: \(method.input), \(common)) async throws -> \(method.output)"
            call = "channel.unary(\(descriptor), request, \(passed))"
        case .serverStreaming:
            let body = "_ body: (RPC.ResponseStream<\(method.output)>) async throws -> \(result)"
            head = "<\(result)>(_ request: \(method.input), \(common), \(body)) async throws -> \(result)"
            call = "channel.serverStreaming(\(descriptor), request, \(passed), body)"
        case .clientStreaming:
            let send = "_ send: (RPC.RequestWriter<\(method.input)>) async throws -> Void"
            head = "(\(common), \(send)) async throws -> \(method.output)"
            call = "channel.clientStreaming(\(descriptor), \(passed), send)"
        case .bidirectional:
            let streams = "RPC.RequestWriter<\(method.input)>, RPC.ResponseStream<\(method.output)>"
            head = "<\(result)>(\(common), _ body: (\(streams)) async throws -> \(result)) async throws -> \(result)"
            call = "channel.bidirectional(\(descriptor), \(passed), body)"
        }
        code.block("\(access) func \(method.swiftName)\(head)") { code in code.line("try await \(call)") }
    }
}
