import HTTP
import Loop
import Protobuf
import Testing

@testable import RPC

private struct Private: Error { let password = "hunter2" }

private struct Domain: RPCErrorConvertible {
    var rpcError: RPCError { RPCError(.failedPrecondition, "the model has no version") }
}

private func failing(with error: any Error) -> Offer { Offer(.unary(Probe.echo) { _, _ in throw error }) }

@Suite("Errors and metadata of a server", .serialized, .timeLimit(.minutes(1)))
struct ServerErrorTests {
    @Test("details come back as they were thrown", arguments: Manner.allCases)
    func details(_ manner: Manner) async throws {
        try await withServer([failing(with: RPCError.badRequest(field: "name", "is empty"))]) { served in
            let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("x")) }
            #expect(error?.code == .invalidArgument)
            let detail = error?.details.first?.decode(as: Google.Rpc.BadRequest.self)
            #expect(detail?.fieldViolations.first?.field == "name")
            #expect(detail?.fieldViolations.first?.description == "is empty")
        }
    }

    @Test("an error that is no call's becomes unknown, without its text", arguments: Manner.allCases)
    func secret(_ manner: Manner) async throws {
        try await withServer([failing(with: Private())]) { served in
            let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("x")) }
            #expect(error?.code == .unknown)
            #expect(error?.message.contains("hunter2") == false)
        }
    }

    @Test("a domain's error says what it is to callers", arguments: Manner.allCases)
    func convertible(_ manner: Manner) async throws {
        try await withServer([failing(with: Domain())]) { served in
            let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("x")) }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message == "the model has no version")
        }
    }

    @Test(
        "only a precondition that is named is 412 over plain HTTP; its code and details come back all the same",
        arguments: [(RPCCode.failedPrecondition, true, 412), (.failedPrecondition, false, 400), (.aborted, true, 409)])
    func precondition(_ code: RPCCode, _ isNamed: Bool, _ status: Int) async throws {
        var violation = Google.Rpc.PreconditionFailure.Violation()
        violation.type = "IN_USE"
        violation.subject = "deployments/churn"
        var detail = Google.Rpc.PreconditionFailure()
        detail.violations = [violation]
        let thrown = RPCError(code, "deployments/churn uses it", details: isNamed ? [ErrorDetail(detail)] : [])
        try await withServer([failing(with: thrown)]) { served in
            let answer = try await served.raw(
                "POST \(Probe.echoPath) HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 3\r\n"
                    + "connection: close\r\n\r\n\"q\"")
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("\"message\":\"deployments/churn uses it\""))
            for manner in Manner.allCases {
                let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("x")) }
                #expect(error?.code == code, "\(manner)")
                let named = error?.details.first?.decode(as: Google.Rpc.PreconditionFailure.self)?.violations
                #expect(named?.map(\.subject) == (isNamed ? ["deployments/churn"] : nil), "\(manner)")
            }
        }
    }

    @Test("a code that is none, or success, becomes unknown", arguments: Manner.allCases, [0, -1, 17, 9999])
    func codes(_ manner: Manner, _ code: Int) async throws {
        try await withServer([failing(with: RPCError(RPCCode(rawValue: code), "odd"))]) { served in
            let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("x")) }
            #expect(error?.code == .unknown)
        }
    }

    @Test("a handler that gives no response, or two, is an internal error", arguments: Manner.allCases, [0, 2])
    func responses(_ manner: Manner, _ count: Int) async throws {
        let handler = MethodHandler.streaming(Probe.sum) { requests, responses, _ in
            for try await _ in requests {}
            try await responses.sendHead()
            for value in 0..<count { try await responses.write(number(value)) }
        }
        try await withServer([Offer(handler)]) { served in
            let error = await failure { _ = try await served.channel(manner).clientStreaming(Probe.sum) { _ in } }
            #expect(error?.code == .internal)
        }
    }

    @Test("metadata that no protocol can carry does not break the response", arguments: Manner.allCases, [false, true])
    func metadata(_ manner: Manner, fails: Bool) async throws {
        let odd: Metadata = [
            "content-type": "text/html", "grpc-status": "0", "content-length": "1", ":status": "500", "": "nothing",
            "two words": "x", "connection": "close", "break": "a\r\nset-cookie: b", "wide": "ü", "edges": " a ",
            "good": "good",
        ]
        let handler = MethodHandler.unary(Probe.echo) { request, context in
            context.responseMetadata = odd
            context.trailingMetadata = odd
            if fails { throw RPCError(.aborted, "as asked", metadata: odd) }
            return ServerResponse(request.message)
        }
        try await withServer([Offer(handler)]) { served in
            let channel = served.channel(manner)
            if fails {
                let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
                #expect(error?.code == .aborted)
                #expect(error?.metadata["good"] == "good")
            } else {
                let answer = try await channel.unaryResponse(Probe.echo, text("x"))
                #expect(answer.message.value == "x")
                #expect(answer.metadata["good"] == "good")
                #expect(answer.metadata["break"] == "a??set-cookie: b")
                #expect(answer.trailingMetadata["wide"] == "??")
                #expect(answer.trailingMetadata["edges"] == "a")
            }
        }
    }

    @Test("a line break in metadata begins no header of its own on the wire")
    func injection() async throws {
        let handler = MethodHandler.unary(Probe.echo) { request, context in
            context.responseMetadata = ["x": "a\r\ninjected: b\r\n\r\nHTTP/1.1 200 OK", "y\r\ninjected": "c"]
            return ServerResponse(request.message, trailingMetadata: ["z": "a\ninjected: d"])
        }
        try await withServer([Offer(handler)]) { served in
            let answer = try await served.raw(
                "POST \(Probe.echoPath) HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 3\r\n"
                    + "connection: close\r\n\r\n\"q\"")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n\"q\""))
            #expect(!answer.contains("\ninjected"))
            #expect(!answer.contains("\nHTTP/1.1"))
        }
    }

    @Test("a text, details and metadata of many kilobytes leave the connection as it was", arguments: Manner.allCases)
    func large(_ manner: Manner) async throws {
        let large = String(repeating: "%", count: 200_000)
        var metadata: Metadata = ["large": large]
        for index in 0..<100 { metadata.add("many-\(index)", String(repeating: "m", count: 1000)) }
        let error = RPCError(.notFound, large, details: [ErrorDetail(text(large))], metadata: metadata)
        let handler = MethodHandler.unary(Probe.echo) { request, context in
            guard request.message.value.isEmpty else { return ServerResponse(request.message) }
            context.responseMetadata = error.metadata
            context.trailingMetadata = error.metadata
            throw error
        }
        try await withServer([Offer(handler)]) { served in
            let channel = served.channel(manner)
            let caught = await failure { _ = try await channel.unary(Probe.echo, text("")) }
            #expect(caught?.code == .notFound)
            #expect(caught?.message.hasPrefix("%%%") == true)
            let answer = try await channel.unary(Probe.echo, text("x"))
            #expect(answer.value == "x")
            #expect(channel.statistics.connectionsEver == 1)
        }
    }
}
