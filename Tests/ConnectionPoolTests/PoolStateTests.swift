import Loop
import Testing

@testable import ConnectionPool

@Suite struct PoolStateTests {
    private func state(_ change: (inout PoolLimits) -> Void = { _ in }) -> PoolState {
        var limits = PoolLimits()
        limits.connectionsMax = 2
        limits.waitersMax = 2
        limits.idleTimeout = .seconds(60)
        limits.lifetime = .seconds(3600)
        limits.checkAfter = .seconds(10)
        change(&limits)
        return PoolState(limits: limits, seed: 1)
    }

    private func at(_ seconds: Double) -> LoopInstant { LoopInstant(nanoseconds: Int64(seconds * 1e9)) }

    @Test("a caller makes a connection, gets it, and the next gets the same one")
    func reuse() {
        var state = state()
        #expect(state.acquire(1, now: at(0), deadline: at(5)) == [.connect(1)])
        #expect(state.connected(1, now: at(1)) == [.lease(1, to: 1)])
        #expect(state.released(1, isReusable: true, now: at(2)) == [])
        #expect(state.acquire(2, now: at(3), deadline: at(8)) == [.lease(1, to: 2)])
    }

    @Test("callers beyond the maximum wait in their order, those beyond the queue are refused")
    func exhaustion() {
        var state = state()
        _ = state.acquire(1, now: at(0), deadline: at(5))
        _ = state.acquire(2, now: at(0), deadline: at(5))
        #expect(state.acquire(3, now: at(0), deadline: at(5)) == [.refuse(3, .tooMany)])
        #expect(state.connected(1, now: at(0)) == [.lease(1, to: 1)])
        #expect(state.connected(2, now: at(0)) == [.lease(2, to: 2)])
        #expect(state.acquire(4, now: at(1), deadline: at(6)) == [])
        #expect(state.acquire(5, now: at(1), deadline: at(4)) == [])
        // The shorter deadline goes first: the queue is in the order of deadlines.
        #expect(state.released(1, isReusable: true, now: at(2)) == [.lease(1, to: 5)])
        #expect(state.nextDeadline == at(6))
        #expect(state.tick(now: at(6)) == [.refuse(4, .timedOut)])
    }

    @Test("a connection that can't be used again is closed and replaced for who waits")
    func replacement() {
        var state = state { $0.connectionsMax = 1 }
        _ = state.acquire(1, now: at(0), deadline: at(5))
        _ = state.connected(1, now: at(0))
        #expect(state.acquire(2, now: at(0), deadline: at(5)) == [])
        #expect(state.released(1, isReusable: false, now: at(1)) == [.close(1), .connect(2)])
        #expect(state.connected(2, now: at(1)) == [.lease(2, to: 2)])
    }

    @Test("a connection idle for long is checked before it is lent, and replaced where it is dead")
    func checking() {
        var state = state()
        _ = state.acquire(1, now: at(0), deadline: at(5))
        _ = state.connected(1, now: at(0))
        _ = state.released(1, isReusable: true, now: at(0))
        #expect(state.acquire(2, now: at(11), deadline: at(20)) == [.check(1)])
        #expect(state.checked(1, isAlive: true, now: at(11)) == [.lease(1, to: 2)])
        _ = state.released(1, isReusable: true, now: at(12))
        #expect(state.acquire(3, now: at(30), deadline: at(40)) == [.check(1)])
        #expect(state.checked(1, isAlive: false, now: at(30)) == [.close(1), .connect(2)])
    }

    @Test("idle connections above the minimum are closed after their time, old ones in any case")
    func ageing() {
        var state = state { $0.connectionsMin = 1 }
        #expect(state.keepMinimum(now: at(0)) == [.connect(1)])
        #expect(state.connected(1, now: at(0)) == [])
        #expect(state.tick(now: at(100)) == [])
        let actions = state.tick(now: at(3600))
        #expect(actions == [.close(1), .connect(2)])
    }

    @Test("after a failure attempts are made one at a time, with a growing pause, while callers keep waiting")
    func backoff() {
        var state = state()
        #expect(state.acquire(1, now: at(0), deadline: at(50)) == [.connect(1)])
        #expect(state.acquire(2, now: at(0), deadline: at(50)) == [.connect(2)])
        #expect(state.connectFailed(1, isPermanent: false, now: at(0)) == [])
        #expect(state.connectFailed(2, isPermanent: false, now: at(0)) == [])
        #expect(state.tick(now: at(0.01)) == [])
        #expect(state.tick(now: at(0.2)) == [.connect(3)])
        #expect(state.connected(3, now: at(0.3)) == [.lease(3, to: 1), .connect(4)])
    }

    @Test("a failure that time does not cure is told to all who wait")
    func permanentFailure() {
        var state = state()
        _ = state.acquire(1, now: at(0), deadline: at(50))
        _ = state.acquire(2, now: at(0), deadline: at(50))
        #expect(
            state.connectFailed(1, isPermanent: true, now: at(0))
                == [.refuse(1, .cannotConnect), .refuse(2, .cannotConnect)])
    }

    @Test("a closed pool refuses, closes what is idle, and the rest when it comes back")
    func closing() {
        var state = state()
        _ = state.acquire(1, now: at(0), deadline: at(5))
        _ = state.connected(1, now: at(0))
        _ = state.acquire(2, now: at(0), deadline: at(5))
        _ = state.connected(2, now: at(0))
        _ = state.released(2, isReusable: true, now: at(0))
        #expect(state.close() == [.close(2)])
        #expect(state.acquire(3, now: at(1), deadline: at(5)) == [.refuse(3, .closed)])
        #expect(state.released(1, isReusable: true, now: at(1)) == [.close(1)])
        #expect(state.members.isEmpty)
    }
}
