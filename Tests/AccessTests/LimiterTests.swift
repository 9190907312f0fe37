import Loop
import Testing

@testable import Access

@Suite("guessing") struct LimiterTests {
    @Test("a few failures cost nothing, and each further one waits twice as long, up to the longest")
    func delays() {
        let clock = ManualClock()
        let limiter = AttemptLimiter(clock: clock)
        let key = AttemptLimiter.Key.peer("10.0.0.1")
        var waits: [Int64] = []
        for _ in 0..<14 {
            limiter.failed([key])
            let wait = limiter.wait(for: [key]) ?? .zero
            waits.append(wait.components.seconds)
            clock.advance(by: wait)
            #expect(limiter.wait(for: [key]) == nil)
        }
        #expect(waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60])
        #expect(limiter.wait(for: [.peer("10.0.0.2"), .token(7)]) == nil)
    }

    @Test("failures are forgotten after a while")
    func memory() {
        let clock = ManualClock()
        let limiter = AttemptLimiter(clock: clock)
        for _ in 0..<9 { limiter.failed([.token(1)]) }
        clock.advance(by: .seconds(601))
        limiter.failed([.token(1)])
        #expect(limiter.wait(for: [.token(1)]) == nil)
    }

    @Test("what is remembered is bounded, and who is asked about stays")
    func bounds() {
        var limits = AttemptLimiter.Limits()
        limits.entries = 100
        let limiter = AttemptLimiter(limits, clock: ManualClock())
        for _ in 0..<9 { limiter.failed([.token(0)]) }
        for number in 1...10_000 {
            limiter.failed([.token(UInt64(number))])
            _ = limiter.wait(for: [.token(0)])
        }
        #expect(limiter.count <= 200)
        #expect(limiter.wait(for: [.token(0)]) != nil)
    }

    @Test(
        "a peer is its host, and its network where it has IPv6",
        arguments: [
            ("127.0.0.1:4711", "127.0.0.1"), ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::"),
            ("[2001:db8:1:2:ffff::1]:1", "2001:db8:1:2::"), ("[::1]:4711", "::"), ("unix:/run/x", "unix"), ("", "unix"),
        ])
    func peers(_ address: String, _ expected: String) {
        #expect(AttemptLimiter.Key(peer: address) == .peer(expected))
    }
}
