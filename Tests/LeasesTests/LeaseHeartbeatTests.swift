import Loop
import Testing

@testable import Leases

@Suite("a lease's heartbeat")
struct LeaseHeartbeatTests {
    private func at(_ seconds: Int64) -> LoopInstant { LoopInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test("a third of the time passes before each renewal")
    func renewal() {
        var beat = LeaseHeartbeat(duration: .seconds(36), heldSince: at(0))
        #expect(beat.step(at: at(0)) == .wait(.seconds(12)))
        #expect(beat.step(at: at(5)) == .wait(.seconds(7)))
        #expect(beat.step(at: at(12)) == .renew(within: .seconds(12)))
        beat.renewed(sentAt: at(12))
        #expect(beat.step(at: at(13)) == .wait(.seconds(11)))
    }

    @Test("what fails is tried again soon, with no more time than is left, and is lost in the end")
    func failure() {
        var beat = LeaseHeartbeat(duration: .seconds(36), heldSince: at(0))
        beat.failed(at: at(24))
        #expect(beat.step(at: at(24)) == .wait(.seconds(3)))
        #expect(beat.step(at: at(27)) == .renew(within: .seconds(9)))
        beat.failed(at: at(35))
        #expect(beat.step(at: at(35)) == .wait(.seconds(1)))
        #expect(beat.step(at: at(36)) == .lost)
    }

    @Test("time counts from when a renewal was sent, not from its answer")
    func conservative() {
        var beat = LeaseHeartbeat(duration: .seconds(36), heldSince: at(0))
        beat.renewed(sentAt: at(10))
        #expect(beat.step(at: at(45)) == .renew(within: .seconds(1)))
        #expect(beat.step(at: at(46)) == .lost)
    }

    @Test("a refused renewal is a lost lease at once")
    func refusal() {
        var beat = LeaseHeartbeat(duration: .seconds(36), heldSince: at(0))
        beat.refused()
        #expect(beat.step(at: at(1)) == .lost)
    }
}
