import Loop
import Testing

@testable import RPC

@Suite("The client's rules, without I/O")
struct ClientRulesTests {
    // MARK: connections

    /// Time in whole seconds, chance at a half: pauses are exact.
    private func machine(after events: [(Connectivity.Event, seconds: Int64)]) -> (Connectivity, Connectivity.Action) {
        var machine = Connectivity(backoff: Backoff())
        var action = Connectivity.Action.nothing
        for (event, seconds) in events {
            action = machine.handle(event, now: LoopInstant(nanoseconds: seconds * 1_000_000_000), chance: 0.5)
        }
        return (machine, action)
    }

    @Test(
        "each event leads to one state and one action",
        arguments: [
            ([], Connectivity.State.idle, Connectivity.Action.nothing),
            ([.wanted], .connecting, .connect),
            ([.wanted, .wanted], .connecting, .nothing),
            ([.wanted, .connected], .ready, .serveCalls),
            ([.wanted, .connected, .wanted], .ready, .nothing),
            ([.wanted, .connected, .lost(wasUseful: true)], .idle, .nothing),
            ([.wanted, .connected, .lost(wasUseful: true), .wanted], .connecting, .connect),
            ([.wanted, .connected, .lost(wasUseful: false)], .backingOff, .pause(.seconds(1))),
            ([.wanted, .failed], .backingOff, .pause(.seconds(1))),
            ([.wanted, .failed, .wanted], .backingOff, .nothing),
            ([.wanted, .failed, .pauseEnded(isWanted: false)], .idle, .nothing),
            ([.wanted, .failed, .pauseEnded(isWanted: true)], .connecting, .connect),
            ([.wanted, .closed], .closed, .stop),
            ([.wanted, .closed, .connected], .closed, .nothing),
            ([.closed, .wanted], .closed, .nothing),
            ([.wanted, .failed, .closed, .pauseEnded(isWanted: true)], .closed, .nothing),
        ] as [([Connectivity.Event], Connectivity.State, Connectivity.Action)])
    func connectivity(
        _ events: [Connectivity.Event], _ state: Connectivity.State, _ action: Connectivity.Action
    ) {
        let (machine, last) = machine(after: events.map { ($0, 0) })
        #expect(machine.state == state)
        #expect(last == action)
    }

    @Test("pauses grow with each failure, and a connection that was good for something starts them anew")
    func pausesGrow() {
        var machine = Connectivity(backoff: Backoff(jitter: 0))
        let now = LoopInstant(nanoseconds: 0)
        var pauses: [Duration] = []
        for _ in 0..<3 {
            _ = machine.handle(machine.state == .idle ? .wanted : .pauseEnded(isWanted: true), now: now, chance: 0)
            if case .pause(let pause) = machine.handle(.failed, now: now, chance: 0) { pauses.append(pause) }
        }
        #expect(pauses == [.seconds(1), .milliseconds(1600), .milliseconds(2560)])
        _ = machine.handle(.pauseEnded(isWanted: true), now: now, chance: 0)
        _ = machine.handle(.connected, now: now, chance: 0)
        _ = machine.handle(.lost(wasUseful: true), now: now, chance: 0)
        #expect(machine.failures == 0)
    }

    @Test("an attempt that failed slowly is followed by a shorter pause")
    func slowFailure() {
        let (_, soon) = machine(after: [(.wanted, 0), (.failed, 10)])
        #expect(soon == .pause(.zero))
    }

    @Test(
        "back-off follows base, factor, cap and jitter",
        arguments: [
            (1, 0.5, 1000), (2, 0.5, 1600), (3, 0.5, 2560), (1, 0, 800), (1, 1, 1200), (50, 0.5, 120_000),
            (50, 1, 144_000), (0, 0.5, 1000),
        ] as [(Int, Double, Double)])
    func backoff(_ failures: Int, _ chance: Double, _ milliseconds: Double) {
        let delay = Backoff().delay(afterFailures: failures, chance: chance)
        #expect(abs(Double(delay.wholeNanoseconds) / 1e6 - milliseconds) < 0.01)
    }

    // MARK: repetitions

    private func decide(
        _ error: RPCError, policy: RetryPolicy?, attempts: Int = 1, tokens: Int = 10
    ) -> RetryDecision.Verdict {
        var decision = RetryDecision()
        let throttle = RetryThrottle(tokens: tokens)
        var verdict = RetryDecision.Verdict.giveUp
        for _ in 0..<attempts {
            verdict = decision.failed(error, policy: policy, throttle: throttle, chance: { 0.5 })
        }
        return verdict
    }

    @Test("an attempt is repeated only where policy, code and count allow it")
    func repetition() {
        let unavailable = RPCError(.unavailable, "")
        #expect(decide(unavailable, policy: nil) == .giveUp)
        #expect(decide(unavailable, policy: RetryPolicy()) == .again(after: .milliseconds(100)))
        #expect(decide(unavailable, policy: RetryPolicy(), attempts: 2) == .again(after: .milliseconds(200)))
        #expect(decide(unavailable, policy: RetryPolicy(), attempts: 3) == .giveUp)
        #expect(decide(RPCError(.internal, ""), policy: RetryPolicy()) == .giveUp)
    }

    @Test(
        "a server's pushback replaces the pause, and a negative or odd one forbids the repetition",
        arguments: [
            ("0", RetryDecision.Verdict.again(after: .zero)), ("250", .again(after: .milliseconds(250))),
            ("-1", .giveUp), ("soon", .giveUp), ("", .giveUp),
        ])
    func pushback(_ text: String, _ verdict: RetryDecision.Verdict) {
        let error = RPCError(.unavailable, "", metadata: ["grpc-retry-pushback-ms": text])
        #expect(decide(error, policy: RetryPolicy()) == verdict)
    }

    @Test("a stream refused unseen is sent again, but not for ever")
    func refusals() {
        var decision = RetryDecision()
        for _ in 0..<RetryDecision.refusalsMax { #expect(decision.refused() == .again(after: .zero)) }
        #expect(decision.refused() == .giveUp)
        #expect(decision.attempts == 0)
    }

    @Test("half the tokens spent stop repetitions; successes bring them back")
    func throttle() {
        let throttle = RetryThrottle(tokens: 10)
        let allowed = (0..<6).map { _ in throttle.failed() }
        #expect(allowed == [true, true, true, true, false, false])
        for _ in 0..<20 { throttle.succeeded() }
        #expect(throttle.failed() == false)
        for _ in 0..<1000 { throttle.succeeded() }
        #expect(throttle.failed())
    }

    // MARK: requests that are kept

    @Test("requests are kept until a response begins, and sent anew from the first")
    func keptRequests() {
        var buffer = RequestBuffer()
        var sent: [[UInt8]] = []
        buffer.append([1])
        buffer.append([2])
        #expect(buffer.unsentBytes == 2)
        buffer.takeUnsent(keeping: 100) { sent.append(Array($0)) }
        #expect(buffer.unsentBytes == 0)
        buffer.rewind()
        buffer.append([3])
        buffer.takeUnsent(keeping: 100) { sent.append(Array($0)) }
        #expect(sent == [[1], [2], [1], [2], [3]])
        buffer.commit()
        #expect(buffer.keptBytes == 0)
        buffer.append([4])
        buffer.takeUnsent(keeping: 100) { sent.append(Array($0)) }
        #expect(sent.last == [4])
        #expect(buffer.keptBytes == 0)
    }

    @Test("a stream of requests over the limit is not kept; a single large one is")
    func tooMuchToKeep() {
        var stream = RequestBuffer()
        stream.append([1, 2])
        stream.append([3, 4])
        stream.takeUnsent(keeping: 3) { _ in }
        #expect(stream.isCommitted)
        var single = RequestBuffer()
        single.append([1, 2, 3, 4])
        single.takeUnsent(keeping: 3) { _ in }
        #expect(!single.isCommitted)
    }
}
