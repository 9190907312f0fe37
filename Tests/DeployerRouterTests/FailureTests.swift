import HTTP
import Loop
import Testing

@testable import DeployerRouter

@Suite("Replicas that fail", .serialized)
struct FailureTests {
    /// Two replicas of one revision, the first as it is told to be.
    private func withTwo(
        _ behaviour: TestReplica.Behaviour, _ settings: RouterSettings = RouterSettings(),
        client: ClientProtocol = .http11,
        _ body: (RouterFixture, _ bad: TestReplica, _ good: TestReplica) async throws -> Void
    ) async throws {
        try await RouterFixture.run(settings, client: client) { fixture in
            let (bad, good) = (TestReplica("bad", behaviour), TestReplica("good"))
            let addresses = [try await bad.start(on: fixture.loops), try await good.start(on: fixture.loops)]
            try await fixture.adopt(.sample([1: addresses]))
            try await body(fixture, bad, good)
            await bad.stop()
            await good.stop()
        }
    }

    @Test("a request that no replica answered goes to another one with its body", arguments: [false, true])
    func unanswered(_ isReplicaHTTP2: Bool) async throws {
        var settings = RouterSettings()
        settings.replicaProtocol = isReplicaHTTP2 ? .http2 : .http11
        try await withTwo(.breaksBefore, settings) { fixture, bad, good in
            for number in 0..<20 {
                let answer = try await fixture.ask("/endpoints/acme/churn/", .post, body: Array("n\(number)".utf8))
                #expect(answer.text == "good POST /\nn\(number)")
            }
            #expect(bad.requests > 0 && good.requests == 20)
            // Five in a row, and then it is left alone for a while.
            #expect(bad.requests <= 10, "\(bad.requests)")
        }
    }

    @Test("a replica that can't be reached costs nothing but the try, and is left alone at once")
    func refused() async throws {
        try await withTwo(.answers) { fixture, bad, good in
            await bad.stop()
            for _ in 0..<20 {
                let answer = try await fixture.ask("/endpoints/acme/churn/", .post, body: [65])
                #expect(answer.status == 200)
            }
            #expect(good.requests == 20)
        }
    }

    @Test("an answer that broke off is not asked for again, and not passed off as whole")
    func brokenAnswer() async throws {
        try await withTwo(.breaksAfter) { fixture, bad, good in
            good.behave(.breaksAfter)
            await #expect(throws: HTTPExchangeError.self) { try await fixture.ask("/endpoints/acme/churn/") }
            #expect(bad.requests + good.requests == 1)
            try await eventually("it is counted") { fixture.router.reports().map(\.report.failures) == [1] }
        }
    }

    @Test("a body too large to be kept is sent once", arguments: [false, true])
    func largeBody(_ isReplicaHTTP2: Bool) async throws {
        var settings = RouterSettings()
        settings.replicaProtocol = isReplicaHTTP2 ? .http2 : .http11
        settings.replayBytes = 1000
        try await withTwo(.breaksBefore, settings) { fixture, bad, good in
            good.behave(.breaksBefore)
            let answer = try await fixture.ask(
                "/endpoints/acme/churn/", .post, body: [UInt8](repeating: 65, count: 5000))
            #expect(answer.status == 502)
            #expect(bad.requests + good.requests == 1)
        }
    }

    @Test("what may not be repeated is not where that is the rule")
    func onlyIdempotent() async throws {
        var settings = RouterSettings()
        settings.retries = .idempotent
        try await withTwo(.breaksBefore, settings) { fixture, bad, good in
            good.behave(.breaksBefore)
            let post = try await fixture.ask("/endpoints/acme/churn/", .post, body: [65])
            #expect(post.status == 502 && bad.requests + good.requests == 1)
            let get = try await fixture.ask("/endpoints/acme/churn/")
            #expect(get.status == 502 && bad.requests + good.requests == 4)
        }
    }

    @Test("never all replicas are left alone: one that mends is asked again at once")
    func neverAll() async throws {
        try await RouterFixture.run { fixture in
            let replica = TestReplica("one", .breaksBefore)
            try await fixture.adopt(.sample([1: [try await replica.start(on: fixture.loops)]]))
            for _ in 0..<5 {
                let answer = try await fixture.ask("/endpoints/acme/churn/")
                #expect(answer.status == 502)
            }
            replica.behave(.answers)
            let answer = try await fixture.ask("/endpoints/acme/churn/")
            #expect(answer.status == 200)
            await replica.stop()
        }
    }

    @Test("a call that breaks off ends with a status of its own")
    func brokenCall() async throws {
        try await withTwo(.breaksAfter, client: .http2) { fixture, _, good in
            good.behave(.breaksAfter)
            let answer = try await fixture.ask(
                "/endpoints/acme/churn/", .post, fields: ["content-type": "application/grpc"], body: [0])
            #expect(answer.trailers?["grpc-status"] == "14")
        }
    }

    @Test("a request that takes too long is answered 504, and its replica hears that nobody waits")
    func deadline() async throws {
        try await RouterFixture.run { fixture in
            let replica = TestReplica("one", .waits(Gate()))
            let address = try await replica.start(on: fixture.loops)
            try await fixture.adopt(.sample(timeout: .milliseconds(50), [1: [address]]))
            let answer = try await fixture.ask("/endpoints/acme/churn/", .post, body: [65])
            #expect(answer.status == 504)
            let call = try await fixture.ask(
                "/endpoints/acme/churn/", .post,
                fields: ["content-type": "application/grpc", "grpc-timeout": "20m"], body: [65])
            #expect(call.fields["grpc-status"] == "4")
            try await eventually("its connections are given up") { fixture.router.statistics.openStreams == 0 }
            await replica.stop()
        }
    }

    @Test("a silent replica is left for another where the request may be repeated")
    func tryTimeout() async throws {
        var settings = RouterSettings()
        settings.tryTimeout = .milliseconds(50)
        try await withTwo(.waits(Gate()), settings) { fixture, _, good in
            for _ in 0..<4 {
                let answer = try await fixture.ask("/endpoints/acme/churn/")
                #expect(answer.fields["x-replica"] == "good")
            }
            #expect(good.requests == 4)
        }
    }

    @Test("garbage in place of an answer is no answer")
    func garbage() async throws {
        var settings = RouterSettings()
        settings.replicaProtocol = .http2
        // A replica that speaks no HTTP/2 answers with what is no frame.
        try await RouterFixture.run(settings) { fixture in
            let listener = try GarbageListener()
            try await fixture.adopt(.sample([1: [listener.address]]))
            let answer = try await fixture.ask("/endpoints/acme/churn/", .post, body: [65])
            #expect(answer.status == 502 || answer.status == 503, "\(answer.status)")
            listener.stop()
        }
    }
}
