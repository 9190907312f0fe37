import HTTP
import Loop
import Testing

@testable import RPC

/// Waits until `condition` holds; the time limit of the suite is what ends a wait in vain.
func eventually(_ condition: () -> Bool) async {
    while !condition(), !Task.isCancelled { await Task.yield() }
}

@Suite("The life of a call", .timeLimit(.minutes(1)))
struct ClientLifeTests {
    @Test("a call that takes longer than its time-out fails with deadlineExceeded", arguments: Manner.allCases)
    func deadline(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let error = await failure {
                _ = try await channel.unary(
                    Probe.echo, text("x"), metadata: ["wait-ms": "60000"],
                    options: CallOptions(timeout: .milliseconds(50)))
            }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test("the server hears of the deadline too")
    func deadlineOnServer() async throws {
        try await withProbe { server, channel in
            // Both loops' connections stand, so that the call is on the wire long before its time is over.
            for _ in 0..<2 { _ = try await channel.unary(Probe.echo, text("x")) }
            let error = await failure {
                try await channel.bidirectional(Probe.chat, options: CallOptions(timeout: .milliseconds(500))) {
                    for try await _ in $1 {}
                }
            }
            #expect(error?.code == .deadlineExceeded)
            await eventually { server.service.cancelled.withLock { $0 } == 1 }
        }
    }

    @Test("a time-out of nothing fails without a connection")
    func noTime() async throws {
        try await withProbe { _, channel in
            let error = await failure {
                _ = try await channel.unary(Probe.echo, text("x"), options: CallOptions(timeout: .zero))
            }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test("cancelling the calling task cancels the call, and the server's handler", arguments: Manner.fullDuplex)
    func cancelled(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { server, channel in
            let (started, announce) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                await failure {
                    try await channel.bidirectional(Probe.chat) { requests, responses in
                        try await requests.write(text("hello"))
                        var iterator = responses.makeAsyncIterator()
                        _ = try await iterator.next()
                        announce.yield()
                        _ = try await iterator.next()
                    }
                }
            }
            for await _ in started { break }
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            await eventually { server.service.cancelled.withLock { $0 } == 1 }
        }
    }

    @Test("a task that is cancelled already calls nobody")
    func cancelledBefore() async throws {
        try await withProbe { server, channel in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            }
            #expect(await task.value?.code == .cancelled)
        }
    }

    @Test("leaving the scope early resets the stream", arguments: Manner.allCases)
    func leftEarly(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { server, channel in
            let first = try await channel.serverStreaming(Probe.count, number(100_000_000)) { responses in
                var iterator = responses.makeAsyncIterator()
                return try await iterator.next()
            }
            #expect(first?.value == 1)
            await eventually { server.service.cancelled.withLock { $0 } == 1 }
            await eventually { channel.statistics.openStreams == 0 }
        }
    }

    @Test("an error thrown inside the scope comes out of it, and the call is cancelled")
    func thrownInside() async throws {
        struct Mine: Error {}
        try await withProbe { server, channel in
            await #expect(throws: Mine.self) {
                try await channel.bidirectional(Probe.chat) { requests, _ in
                    try await requests.write(text("x"))
                    throw Mine()
                }
            }
            await eventually { channel.statistics.openStreams == 0 }
        }
    }

    @Test("a server that answers before the last request is believed", arguments: Manner.allCases)
    func earlyAnswer(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let sum = try await channel.clientStreaming(Probe.sum, metadata: ["answer-early": "yes"]) { requests in
                while true { try await requests.write(number(7)) }
            }
            #expect(sum.value == 7)
        }
    }

    @Test("a server that fails before the last request stops the writer with its status", arguments: Manner.allCases)
    func earlyFailure(_ manner: Manner) async throws {
        try await withProbe(manner.configuration) { _, channel in
            let error = await failure {
                _ = try await channel.clientStreaming(
                    Probe.sum, metadata: ["answer-early": "yes", "fail-with": "3"]
                ) { requests in
                    while true { try await requests.write(number(7)) }
                }
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("who writes faster than the server reads is held back")
    func writerIsHeldBack() async throws {
        try await withProbe { server, channel in
            let chunk = text(String(repeating: "x", count: 64 * 1024))
            let written = Lock(0)
            let task = Task {
                await failure {
                    try await channel.bidirectional(Probe.chat) { requests, _ in
                        // Nobody reads the echo: the server stops reading, and then we must stop writing.
                        while true {
                            try await requests.write(chunk)
                            written.withLock { $0 += 1 }
                        }
                    }
                }
            }
            var last = -1
            while true {
                let now = written.withLock { $0 }
                if now == last, now > 0 { break }
                last = now
                try await server.loops.loops[0].sleep(for: .milliseconds(100))
            }
            task.cancel()
            _ = await task.value
            #expect(last * 64 < 16 * 1024)
        }
    }

    @Test("interceptors see calls in order, change requests and replace errors")
    func interceptors() async throws {
        struct Stamp: ClientInterceptor {
            let mark: String
            func intercept<Result>(
                _ request: ClientRequest, next: (ClientRequest) async throws -> Result
            ) async throws -> Result {
                var request = request
                request.metadata.set("fail-with", (request.metadata["fail-with"] ?? "") + mark)
                do { return try await next(request) } catch {
                    throw RPCError(.dataLoss, "\(RPCError(error).code) seen by \(mark)")
                }
            }
        }
        var configuration = ChannelConfiguration()
        configuration.interceptors = [Stamp(mark: "1"), Stamp(mark: "2")]
        try await withProbe(configuration) { _, channel in
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .dataLoss)
            #expect(error?.message == "data_loss seen by 1")
        }
    }
}
