import HTTP
import Loop
import Testing

@testable import RPC

@Suite("Deadlines and cancellation on the server", .serialized, .timeLimit(.minutes(1)))
struct ServerDeadlineTests {
    @Test("a gRPC caller hears at once that the deadline passed, while the handler is still winding up")
    func grpc() async throws {
        let (started, cancelled, release) = (Gate(), Gate(), Gate())
        let clock = ManualClock()
        let handler = MethodHandler.unary(Probe.echo) { request, context in
            started.open()
            context.responseMetadata.add("never", "sent")
            await untilCancelled()
            cancelled.open()
            // In a task of its own, which hears nothing of the cancellation.
            await Task { await release.wait() }.value
            return ServerResponse(request.message)
        }
        try await withServer([Offer(handler)], clock: clock) { served in
            async let call = served.grpc(Probe.echoPath, text("x"), ["grpc-timeout": "1S"])
            await started.wait()
            clock.advance(by: .seconds(1))
            let (answer, status) = try await call
            #expect(status["grpc-status"] == "4")
            #expect(answer.body.isEmpty)
            #expect(answer.fields["never"] == nil)
            await cancelled.wait()
            #expect(served.rpc.callsInFlight == 1, "the handler is still at work, and counted")
            release.open()
            await eventually { served.rpc.callsInFlight == 0 }
        }
    }

    @Test("a Connect caller hears it as 504")
    func connect() async throws {
        let (started, cancelled) = (Gate(), Gate())
        let clock = ManualClock()
        try await withServer([Offer(Probe.patient(started, cancelled))], clock: clock) { served in
            async let call = served.exchange(
                .post, Probe.echoPath, ["content-type": "application/json", "connect-timeout-ms": "1000"],
                body: Array("\"x\"".utf8))
            await started.wait()
            clock.advance(by: .seconds(1))
            let answer = try await call
            #expect(answer.status == 504)
            #expect(answer.error?.code == .deadlineExceeded)
            await cancelled.wait()
            await eventually { served.rpc.callsInFlight == 0 }
        }
    }

    @Test("a stream under way ends with the status behind what was sent")
    func stream() async throws {
        let started = Gate()
        let clock = ManualClock()
        let handler = MethodHandler.streaming(Probe.count) { _, responses, _ in
            try await responses.write(number(1))
            started.open()
            await untilCancelled()
            let error = await failure { try await responses.write(number(2)) }
            #expect(error?.code == .deadlineExceeded)
        }
        try await withServer([Offer(handler)], clock: clock) { served in
            async let call = served.grpc("/slipway.test.Probe/Count", number(1), ["grpc-timeout": "1S"])
            await started.wait()
            clock.advance(by: .seconds(1))
            let (answer, status) = try await call
            #expect(answer.body == [0, 0, 0, 0, 2, 8, 1])
            #expect(answer.trailers != nil)
            #expect(status["grpc-status"] == "4")
        }
    }

    @Test("the handler knows how long its caller waits")
    func remaining() async throws {
        let handler = MethodHandler.unary(Probe.echo) { _, context in
            let remaining = try #require(context.timeRemaining)
            #expect(context.timeout == .seconds(60))
            #expect(remaining <= .seconds(60) && remaining > .seconds(30))
            return ServerResponse(text("x"))
        }
        try await withServer([Offer(handler)]) { served in
            let (_, status) = try await served.grpc(Probe.echoPath, text("x"), ["grpc-timeout": "60S"])
            #expect(status["grpc-status"] == "0")
        }
    }

    @Test("a deadline that is over already never reaches the handler", arguments: ["0n", "0S"])
    func over(_ timeout: String) async throws {
        let reached = Gate()
        let handler = MethodHandler.streaming(Probe.chat) { _, _, _ in reached.open() }
        try await withServer([Offer(handler)]) { served in
            let (_, status) = try await served.grpc(
                "/slipway.test.Probe/Chat", text("x"), ["grpc-timeout": timeout])
            #expect(status["grpc-status"] == "4")
            await eventually { served.rpc.callsInFlight == 0 }
            #expect(!reached.isOpen)
        }
    }

    @Test("a time-out that can't be read is refused", arguments: ["", "1", "123456789S", "-1S", "1x", "1 S"])
    func unreadable(_ timeout: String) async throws {
        try await withServer([Offer(Probe.echoing)]) { served in
            let (_, status) = try await served.grpc(Probe.echoPath, text("x"), ["grpc-timeout": timeout])
            #expect(status["grpc-status"] == "13")
            let answer = try await served.exchange(
                .post, Probe.echoPath, ["content-type": "application/json", "connect-timeout-ms": timeout + "."],
                body: Array("\"x\"".utf8))
            #expect(answer.status == 400)
        }
    }

    @Test("a caller that resets its stream cancels the handler's task", arguments: Manner.fullDuplex)
    func reset(_ manner: Manner) async throws {
        let (started, cancelled) = (Gate(), Gate())
        try await withServer([Offer(Probe.patient(started, cancelled))]) { served in
            let channel = served.channel(manner)
            let task = Task { await failure { _ = try await channel.unary(Probe.echo, text("x")) } }
            await started.wait()
            #expect(served.rpc.callsInFlight == 1)
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            await cancelled.wait()
            await eventually { served.rpc.callsInFlight == 0 }
            #expect(served.rpc.callsEver == 1)
        }
    }

    @Test("a reader of a call that was given up hears so, and never that the requests came to their end")
    func neverAnEnd() async throws {
        let (started, read) = (Gate(), Gate())
        let outcome = Lock<String>("")
        let handler = MethodHandler.streaming(Probe.sum) { requests, _, _ in
            started.open()
            await untilCancelled()
            do {
                var count = 0
                for try await _ in requests { count += 1 }
                outcome.withLock { $0 = "the end after \(count)" }
            } catch { outcome.withLock { $0 = "\(RPCError(error).code)" } }
            read.open()
        }
        try await withServer([Offer(handler)]) { served in
            let channel = served.channel()
            let task = Task {
                await failure {
                    _ = try await channel.clientStreaming(Probe.sum) { requests in
                        for _ in 0..<3 { try await requests.write(number(1)) }
                    }
                }
            }
            await started.wait()
            task.cancel()
            _ = await task.value
            await read.wait()
        }
        #expect(outcome.withLock { $0 } == "canceled")
    }

    @Test("a task left behind by its handler is not left waiting for requests")
    func leftBehind() async throws {
        let heard = Gate()
        let handler = MethodHandler.streaming(Probe.chat) { requests, responses, _ in
            let reading = Gate()
            Task {
                reading.open()
                do { for try await _ in requests {} } catch { heard.open() }
            }
            await reading.wait()
            try await responses.write(text("done"))
        }
        try await withServer([Offer(handler)]) { served in
            try await served.channel().bidirectional(Probe.chat) { _, responses in for try await _ in responses {} }
            await heard.wait()
        }
    }
}
