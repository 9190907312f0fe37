import HTTP
import Loop
import Testing

@testable import RPC

@Suite("Stopping a server", .serialized, .timeLimit(.minutes(1)))
struct GracefulStopTests {
    @Test("calls under way finish, and new ones are refused", arguments: [Manner.grpc, .connect, .connectHTTP1])
    func graceful(_ manner: Manner) async throws {
        let (started, release) = (Gate(), Gate())
        let handler = MethodHandler.unary(Probe.echo) { request, _ in
            started.open()
            await release.wait()
            return ServerResponse(request.message)
        }
        try await withServer([Offer(handler)]) { served in
            let channel = served.channel(manner)
            let call = Task { try await channel.unary(Probe.echo, text("under way")).value }
            await started.wait()
            let stop = Task { await served.http.shutdown(grace: .seconds(20)) }
            // The socket is closed in a coming turn of the server's loop: until then a call may still get in.
            var refusal: RPCError?
            while refusal == nil {
                let fresh = served.channel(manner)
                do {
                    _ = try await fresh.unary(
                        Probe.echo, text("new"), options: CallOptions(timeout: .milliseconds(500)))
                } catch let error as RPCError where error.code == .unavailable { refusal = error } catch {}
            }
            #expect(refusal?.code == .unavailable)
            release.open()
            let value = try await call.value
            #expect(value == "under way")
            await stop.value
            #expect(served.http.statistics.openConnections == 0)
        }
    }

    @Test("who watches the server's health hears that it stops, and does not hold it up", arguments: Manner.fullDuplex)
    func watched(_ manner: Manner) async throws {
        let health = HealthService()
        try await withServer([health]) { served in
            let client = Grpc.Health.V1.Health.Client(served.channel(manner))
            let watching = Gate()
            let watch = Task {
                try await client.watch(Grpc.Health.V1.HealthCheckRequest()) { responses in
                    var statuses: [HealthService.Status] = []
                    for try await response in responses {
                        statuses.append(response.status)
                        watching.open()
                    }
                    return statuses
                }
            }
            await watching.wait()
            let begin = ContinuousClock.now
            health.stopServing()
            await served.http.shutdown(grace: .seconds(40))
            #expect(ContinuousClock.now - begin < .seconds(30))
            let statuses = try await watch.value
            #expect(statuses == [.serving, .notServing])
            health.set(.serving)
            #expect(served.http.statistics.openConnections == 0)
        }
    }

    @Test("a watch that begins while the server stops ends with its first answer")
    func lateWatch() async throws {
        let health = HealthService()
        health.stopServing()
        health.set(.serving)
        try await withServer([health]) { served in
            let client = Grpc.Health.V1.Health.Client(served.channel())
            let statuses = try await client.watch(Grpc.Health.V1.HealthCheckRequest()) { responses in
                var statuses: [HealthService.Status] = []
                for try await response in responses { statuses.append(response.status) }
                return statuses
            }
            #expect(statuses == [.notServing])
        }
    }

    @Test("a stream without an end is cancelled when the grace is over", arguments: Manner.allCases)
    func endless(_ manner: Manner) async throws {
        let cancelled = Gate()
        let handler = MethodHandler.streaming(Probe.count) { requests, responses, _ in
            try await responses.write(try await requests.only())
            await untilCancelled()
            cancelled.open()
        }
        try await withServer([Offer(handler)]) { served in
            let channel = served.channel(manner)
            let started = Gate()
            let call = Task {
                await failure {
                    try await channel.serverStreaming(Probe.count, number(7)) { responses in
                        for try await _ in responses { started.open() }
                    }
                }
            }
            await started.wait()
            await served.http.shutdown(grace: .milliseconds(300))
            await cancelled.wait()
            #expect(await call.value?.code == .unavailable)
        }
    }

    @Test("a call that does not end within the grace is cut off", arguments: [Manner.grpc, .connect, .connectHTTP1])
    func impatient(_ manner: Manner) async throws {
        let (started, cancelled) = (Gate(), Gate())
        try await withServer([Offer(Probe.patient(started, cancelled))]) { served in
            let channel = served.channel(manner)
            let call = Task { await failure { _ = try await channel.unary(Probe.echo, text("x")) } }
            await started.wait()
            let begin = ContinuousClock.now
            await served.http.shutdown(grace: .milliseconds(300))
            let took = ContinuousClock.now - begin
            #expect(took >= .milliseconds(290) && took < .seconds(5))
            await cancelled.wait()
            #expect(await call.value?.code == .unavailable)
        }
    }
}
