import HTTP
import Loop
import Testing

@testable import RPC

private enum Caller: ServerContextKey { typealias Value = String }

private struct Interceptor: ServerInterceptor {
    let body: @Sendable (ServerContext, (ServerContext) async throws -> Void) async throws -> Void

    func intercept(_ context: ServerContext, next: (ServerContext) async throws -> Void) async throws {
        try await body(context, next)
    }
}

@Suite("Server interceptors", .serialized, .timeLimit(.minutes(1)))
struct ServerInterceptorTests {
    @Test("the first goes outermost, around the handler")
    func order() async throws {
        let log = Lock<[String]>([])
        let logging = ["a", "b"].map { name in
            Interceptor { context, next in
                log.withLock { $0.append("\(name) in") }
                try await next(context)
                log.withLock { $0.append("\(name) out") }
            }
        }
        let handler = MethodHandler.unary(Probe.echo) { request, _ in
            log.withLock { $0.append("handler") }
            return ServerResponse(request.message)
        }
        try await withServer([Offer(handler)], interceptors: logging) { served in
            _ = try await served.channel().unary(Probe.echo, text("x"))
        }
        #expect(log.withLock { $0 } == ["a in", "b in", "handler", "b out", "a out"])
    }

    @Test("one that throws before next keeps the call from the handler", arguments: Manner.allCases)
    func refusal(_ manner: Manner) async throws {
        let reached = Gate()
        let handler = MethodHandler.unary(Probe.echo) { request, _ in
            reached.open()
            return ServerResponse(request.message)
        }
        let refusing = Interceptor { context, _ in
            throw RPCError(.permissionDenied, "not you", metadata: ["asked": "\(context.method.name)"])
        }
        try await withServer([Offer(handler)], interceptors: [refusing]) { served in
            let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("x")) }
            #expect(error?.code == .permissionDenied)
            #expect(error?.message == "not you")
            #expect(error?.metadata["asked"] == "Echo")
        }
        #expect(!reached.isOpen)
    }

    @Test("an error is replaced by the one thrown after next", arguments: Manner.allCases)
    func replacement(_ manner: Manner) async throws {
        let replacing = Interceptor { context, next in
            do { try await next(context) } catch {
                throw RPCError(.dataLoss, "was \(RPCError(error).code)")
            }
        }
        let handler = MethodHandler.unary(Probe.echo) { _, _ in throw RPCError(.notFound, "secret") }
        try await withServer([Offer(handler)], interceptors: [replacing]) { served in
            let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("x")) }
            #expect(error?.code == .dataLoss)
            #expect(error?.message == "was not_found")
        }
    }

    @Test("a value left in the context is found by those behind", arguments: Manner.allCases)
    func values(_ manner: Manner) async throws {
        let naming = Interceptor { context, next in
            #expect(context[Caller.self] == nil)
            context[Caller.self] = context.metadata["name"]
            try await next(context)
        }
        let handler = MethodHandler.unary(Probe.echo) { _, context in
            ServerResponse(text(context[Caller.self] ?? "nobody"))
        }
        try await withServer([Offer(handler)], interceptors: [naming]) { served in
            let answer = try await served.channel(manner).unary(Probe.echo, text("x"), metadata: ["name": "mia"])
            #expect(answer.value == "mia")
        }
    }

    @Test("gRPC, Connect, Connect streams and GET pass the same point")
    func samePoint() async throws {
        let seen = Lock<[String]>([])
        let watching = Interceptor { context, next in
            seen.withLock { $0.append("\(context.dialect) \(context.method.name) \(context.request.method)") }
            try await next(context)
        }
        try await withServer([ProbeService()], interceptors: [watching]) { served in
            _ = try await served.channel(.grpc).unary(Probe.read, text("x"))
            _ = try await served.channel(.connect).unary(Probe.read, text("x"))
            _ = try await served.channel(.connectJSON) { $0.usesGet = true }.unary(Probe.read, text("x"))
            try await served.channel(.connect).serverStreaming(Probe.count, number(2)) { for try await _ in $0 {} }
        }
        #expect(
            seen.withLock { $0 } == [
                "grpc Read POST", "connectUnary Read POST", "connectUnary Read GET", "connectStreaming Count POST",
            ])
    }

    @Test(
        "nothing of a single response was sent when an interceptor throws after next",
        arguments: Manner.allCases, [false, true])
    func lateThrow(_ manner: Manner, atStreamingHeight: Bool) async throws {
        let throwing = Interceptor { context, next in
            try await next(context)
            throw RPCError(.aborted, "too late for it")
        }
        let handler: MethodHandler =
            atStreamingHeight
            ? .streaming(Probe.echo) { requests, responses, _ in try await responses.write(try await requests.only()) }
            : Probe.echoing
        try await withServer([Offer(handler)], interceptors: [throwing]) { served in
            let error = await failure { _ = try await served.channel(manner).unary(Probe.echo, text("x")) }
            #expect(error?.code == .aborted)
            let (answer, status) = try await served.grpc(Probe.echoPath, text("x"))
            #expect(answer.body.isEmpty)
            #expect(status["grpc-status"] == "10")
        }
    }

    @Test("one that neither calls next nor throws leaves the caller with an internal error")
    func forgotten() async throws {
        try await withServer([Offer(Probe.echoing)], interceptors: [Interceptor { _, _ in }]) { served in
            let error = await failure { _ = try await served.channel().unary(Probe.echo, text("x")) }
            #expect(error?.code == .internal)
        }
    }
}
