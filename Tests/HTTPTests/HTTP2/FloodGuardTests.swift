import Loop
import Testing

@testable import HTTP

@Suite("The guard against floods")
struct FloodGuardTests {
    enum Event { case reset, control, finished, received(Int), sent(Int), seconds(Int) }

    /// True where every event passes.
    private func passes(_ events: [(Int, [Event])]) -> Bool {
        var now = LoopInstant(nanoseconds: 0)
        var flood = FloodGuard(now: now)
        for (times, round) in events {
            for _ in 0..<times {
                for event in round {
                    var action = FloodGuard.Action.allow
                    switch event {
                    case .reset: action = flood.peerReset(now: now)
                    case .control: action = flood.control(now: now)
                    case .finished: flood.streamFinished()
                    case .received(let count): flood.bodyReceived(count)
                    case .sent(let count): flood.bodySent(count)
                    case .seconds(let count): now = now.advanced(by: .seconds(count))
                    }
                    if action != .allow { return false }
                }
            }
        }
        return true
    }

    @Test("a burst passes, more does not, and time brings allowance back")
    func bursts() {
        #expect(passes([(1000, [.reset])]))
        #expect(!passes([(1001, [.reset])]))
        #expect(passes([(1000, [.control])]))
        #expect(!passes([(1001, [.control])]))
        #expect(passes([(1000, [.reset]), (1, [.seconds(1)]), (200, [.reset])]))
        #expect(!passes([(1000, [.reset]), (1, [.seconds(1)]), (201, [.reset])]))
        #expect(!passes([(1000, [.reset]), (1, [.seconds(3600)]), (1001, [.reset])]))
    }

    @Test("honest work pays for cancelled calls and the frames around it")
    func work() {
        #expect(passes([(100_000, [.finished, .reset])]))
        #expect(passes([(100_000, [.finished, .control, .control, .control])]))
        #expect(passes([(100_000, [.received(16384), .control, .control])]))
        #expect(passes([(100_000, [.sent(16384), .control, .control])]))
        #expect(!passes([(10_000, [.finished, .reset, .reset])]))
    }
}

@Suite("When a quiet HTTP/2 peer is asked for a sign of life")
struct HTTP2KeepaliveTests {
    private let start = LoopInstant(nanoseconds: 0)
    private func at(_ seconds: Int) -> LoopInstant { start.advanced(by: .seconds(seconds)) }

    @Test("after the interval a ping, after the time-out the end, and any byte starts anew")
    func cycle() {
        var limits = HTTPLimits()
        limits.keepaliveInterval = .seconds(60)
        limits.keepaliveTimeout = .seconds(20)
        var keepalive = HTTP2Keepalive(limits: limits, now: start)
        #expect(keepalive.due(now: at(0)) == .wait(.seconds(60)))
        #expect(keepalive.due(now: at(60)) == .ping(answerWithin: .seconds(20)))
        #expect(keepalive.due(now: at(70)) == .wait(.seconds(10)))
        keepalive.received(now: at(75))
        #expect(keepalive.due(now: at(80)) == .wait(.seconds(55)))
        #expect(keepalive.due(now: at(135)) == .ping(answerWithin: .seconds(20)))
        #expect(keepalive.due(now: at(155)) == .giveUp)
        limits.keepaliveInterval = nil
        #expect(HTTP2Keepalive(limits: limits, now: start).isOff)
    }
}
