import Contracts
import DeployerTargets
import Leases
import Loop
import Postgres
import TestKit
import Testing

@testable import DeployerCore

/// Deployers end in the middle of what they do, and others go on.
@Suite("Control that ends at any point", .serialized, .timeLimit(.minutes(10))) struct ControllerDeathTests {
    /// Stops whoever comes to the point of that number, for good.
    final class Trap: Sendable {
        private struct State {
            var left: Int
            var caught: ControlPoint?
            var released = false
            var waiting: [CheckedContinuation<Void, Never>] = []
        }
        private let state: Lock<State>
        let isWanted: @Sendable (ControlPoint) -> Bool

        init(after count: Int = 0, _ isWanted: @escaping @Sendable (ControlPoint) -> Bool = { _ in true }) {
            state = Lock(State(left: count))
            self.isWanted = isWanted
        }

        var caught: ControlPoint? { state.withLock { $0.caught } }

        func pass(_ point: ControlPoint) async {
            let isCaught: Bool = state.withLock { state in
                guard !state.released else { return false }
                if state.caught != nil { return true }
                guard isWanted(point) else { return false }
                state.left -= 1
                guard state.left < 0 else { return false }
                state.caught = point
                return true
            }
            guard isCaught else { return }
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    if !state.released { state.waiting.append(continuation) }
                    return state.released
                }
                if isFree { continuation.resume() }
            }
        }

        /// Whoever was stopped goes on.
        func release() {
            let waiting = state.withLock { state in
                state.released = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// As the time that passes until the lease of one who is not heard of runs out.
    private func expireLeases(_ fixture: DeployerFixture) async throws {
        try await fixture.pool.execute(
            """
            UPDATE leases.leases SET claimable_at = clock_timestamp() - interval '1 second'
            WHERE kind = \(Controller.leaseKind)
            """)
    }

    @Test("ended before and after every single step of an upgrade, another one gets it done with no replica too many")
    func everyStep() async throws {
        // Until an upgrade has fewer points than that.
        for count in 0..<200 {
            var isThrough = false
            try await withDeployer { fixture in
                let trial = try await ControlTrial(fixture)
                let calm = try TestControl(trial, "calm")
                let id = try await trial.deployment()
                try await eventually("it serves") { try await trial.isSettled(id, [1: 2]) }
                try await calm.stop()

                let trap = Trap(after: count)
                let doomed = try TestControl(trial, "doomed") { await trap.pass($0) }
                try await trial.update(id, to: 2)
                try await eventually("it is in the trap, or done") {
                    let isSettled = try await trial.isSettled(id, [2: 2])
                    return trap.caught != nil || isSettled
                }
                isThrough = trap.caught == nil
                doomed.kill()
                trap.release()
                try await expireLeases(fixture)
                let next = try TestControl(trial, "next")
                try await eventually("another got it done after \(String(describing: trap.caught))") {
                    try await trial.isSettled(id, [2: 2])
                }
                try await next.stop()
                let (starts, most) = trial.place.state.withLock { ($0.starts, $0.most) }
                #expect(starts.values.allSatisfy { $0 == 1 }, "\(String(describing: trap.caught))")
                #expect(most == [1: 2, 2: 2], "\(String(describing: trap.caught))")
            }
            if isThrough {
                #expect(count > 20)
                return
            }
        }
        Issue.record("an upgrade does not end")
    }

    @Test("who was cut off from the database has its order refused by the place, because a later one was seen")
    func fencedOrder() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let trap = Trap { point in
                if case .start = point.step { return !point.isDone }
                return false
            }
            let cutOff = try TestControl(trial, "cut-off") { await trap.pass($0) }
            let id = try await trial.deployment()
            try await eventually("it is about to start a replica") { trap.caught != nil }
            try await expireLeases(fixture)
            let other = try TestControl(trial, "other")
            try await eventually("another did it") { try await trial.isSettled(id, [1: 2]) }
            trap.release()
            try await eventually("its order was refused") { trial.place.state.withLock { !$0.stale.isEmpty } }
            try await cutOff.stop()
            #expect(try await trial.isSettled(id, [1: 2]))
            #expect(trial.place.state.withLock { $0.starts.values.allSatisfy { $0 == 1 } && $0.most == [1: 2] })
            try await other.stop()
        }
    }

    @Test("who was cut off from the database has its writing refused by the lease")
    func fencedWriting() async throws {
        try await withDeployer { fixture in
            let trial = try await ControlTrial(fixture)
            let trap = Trap { point in
                if case .intend = point.step { return !point.isDone }
                return false
            }
            let cutOff = try TestControl(trial, "cut-off") { await trap.pass($0) }
            let id = try await trial.deployment()
            try await eventually("it is about to write a replica down") { trap.caught != nil }
            try await expireLeases(fixture)
            let other = try TestControl(trial, "other")
            try await eventually("another did it") { try await trial.isSettled(id, [1: 2]) }
            trap.release()
            try await cutOff.stop()
            #expect(try await trial.isSettled(id, [1: 2]))
            #expect(trial.place.state.withLock { $0.starts.count == 2 })
            try await other.stop()
        }
    }

    @Test("two deployers, while replicas and deployers end at random: all is as it should be when it stops")
    func random() async throws {
        try await withDeployer(connections: 20) { fixture in
            let trial = try await ControlTrial(fixture)
            var generator = SeededGenerator(seed: 7)
            var ids: [Int64] = []
            for number in 0..<5 { ids.append(try await trial.deployment("churn-\(number)")) }
            var controls = [try TestControl(trial, "one"), try TestControl(trial, "two")]
            var revision: Int32 = 1
            for round in 0..<12 {
                for _ in 0..<3 {
                    guard let victim = trial.place.running.randomElement(using: &generator) else { continue }
                    trial.place.end(victim.id)
                }
                if round % 4 == 1 {
                    revision += 1
                    for id in ids {
                        try await fixture.pool.execute(
                            "UPDATE deployments.rollouts SET state = 5, ended = now() WHERE deployment = \(id) AND ended IS NULL"
                        )
                        try await trial.update(id, to: revision)
                    }
                }
                if round % 3 == 2 {
                    controls.removeFirst().kill()
                    try await expireLeases(fixture)
                    controls.append(try TestControl(trial, "after-\(round)"))
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 20...200, using: &generator)))
            }
            for id in ids {
                try await eventually("deployment \(id) is as it should be") {
                    try await trial.isSettled(id, [Int(revision): 2])
                }
            }
            #expect(trial.place.state.withLock { $0.starts.values.allSatisfy { $0 == 1 } })
            for control in controls { try await control.stop() }
        }
    }
}
