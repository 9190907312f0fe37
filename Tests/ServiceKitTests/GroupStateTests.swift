import Testing

@testable import ServiceKit

@Suite("the rules of a service group")
struct GroupStateTests {
    typealias Action = GroupState.Action

    /// Three services; those in `waiting` say when they have started.
    func state(waiting: Set<Int> = [], mayEnd: Set<Int> = []) -> GroupState {
        GroupState(waitsForStart: (0..<3).map { waiting.contains($0) }, endsGroup: (0..<3).map { !mayEnd.contains($0) })
    }

    func running() -> GroupState {
        var state = state()
        _ = state.handle(.begin)
        return state
    }

    @Test("idle, begin: all start in order where none waits")
    func begin() {
        var state = state()
        #expect(state.handle(.begin) == [.run(0), .run(1), .run(2)])
        #expect(state.phase == .running)
    }

    @Test("starting a service that waits: the next starts when it says so")
    func order() {
        var state = state(waiting: [0, 1])
        #expect(state.handle(.begin) == [.run(0), .arm(.start(0))])
        #expect(state.handle(.started(1)) == [])
        #expect(state.handle(.started(0)) == [.disarm(.start(0)), .run(1), .arm(.start(1))])
        #expect(state.handle(.started(1)) == [.disarm(.start(1)), .run(2)])
        #expect(state.phase == .running)
    }

    @Test("starting, deadline passed: what runs is stopped in reverse, and the late one named")
    func startDeadline() {
        var state = state(waiting: [1])
        #expect(state.handle(.begin) == [.run(0), .run(1), .arm(.start(1))])
        #expect(state.handle(.passed(.start(1))) == [.askToStop(1), .arm(.grace(1))])
        #expect(state.handle(.ended(1, failed: false)) == [.disarm(.grace(1)), .askToStop(0), .arm(.grace(0))])
        #expect(state.handle(.ended(0, failed: false)) == [.disarm(.grace(0)), .finish(leavingBehind: [])])
        #expect(state.tooLate == [1])
    }

    @Test("running, stop: one after the other in reverse order")
    func stop() {
        var state = running()
        #expect(state.handle(.stop) == [.askToStop(2), .arm(.grace(2))])
        #expect(state.handle(.ended(2, failed: false)) == [.disarm(.grace(2)), .askToStop(1), .arm(.grace(1))])
        #expect(state.handle(.ended(1, failed: true)) == [.disarm(.grace(1)), .askToStop(0), .arm(.grace(0))])
        #expect(state.handle(.ended(0, failed: false)) == [.disarm(.grace(0)), .finish(leavingBehind: [])])
        #expect(state.phase == .done)
    }

    @Test("stopping, grace passed: the service is cancelled; cancel deadline passed: it is left behind with the rest")
    func escalation() {
        var state = running()
        _ = state.handle(.stop)
        #expect(state.handle(.passed(.grace(2))) == [.cancel(2), .arm(.cancel(2))])
        #expect(state.handle(.passed(.cancel(2))) == [.finish(leavingBehind: [0, 1, 2])])
    }

    @Test("stopping, grace passed, the cancelled service ends: the next is asked")
    func cancelledEnds() {
        var state = running()
        _ = state.handle(.stop)
        _ = state.handle(.passed(.grace(2)))
        #expect(state.handle(.ended(2, failed: false)) == [.disarm(.cancel(2)), .askToStop(1), .arm(.grace(1))])
    }

    @Test("stop twice cancels all at once; three times leaves them behind")
    func impatience() {
        var state = running()
        _ = state.handle(.stop)
        #expect(
            state.handle(.stop) == [
                .disarm(.grace(2)), .cancel(2), .arm(.cancel(2)), .cancel(1), .arm(.cancel(1)), .cancel(0),
                .arm(.cancel(0)),
            ])
        #expect(state.handle(.ended(1, failed: false)) == [.disarm(.cancel(1))])
        #expect(state.handle(.stop) == [.finish(leavingBehind: [0, 2])])
        #expect(state.handle(.ended(0, failed: false)) == [])
    }

    @Test("running, a service fails or ends: the others stop in reverse, without it")
    func failure() {
        var state = running()
        #expect(state.handle(.ended(2, failed: true)) == [.askToStop(1), .arm(.grace(1))])
        #expect(state.handle(.ended(1, failed: false)) == [.disarm(.grace(1)), .askToStop(0), .arm(.grace(0))])
    }

    @Test("stopping one, another one ends: it is not asked any more")
    func endsMeanwhile() {
        var state = running()
        _ = state.handle(.stop)
        #expect(state.handle(.ended(1, failed: false)) == [])
        #expect(state.handle(.ended(2, failed: false)) == [.disarm(.grace(2)), .askToStop(0), .arm(.grace(0))])
    }

    @Test("running, a service that may end does: nothing happens until none is left")
    func mayEnd() {
        var state = state(mayEnd: [0, 1, 2])
        _ = state.handle(.begin)
        #expect(state.handle(.ended(0, failed: false)) == [])
        #expect(state.handle(.ended(2, failed: false)) == [])
        #expect(state.handle(.ended(1, failed: false)) == [.finish(leavingBehind: [])])
    }

    @Test("a group without services is done at once")
    func none() {
        var state = GroupState(waitsForStart: [], endsGroup: [])
        #expect(state.handle(.begin) == [.finish(leavingBehind: [])])
    }
}
