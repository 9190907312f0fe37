import Testing

@testable import DeployerCore

@Suite("A rollout")
struct RolloutMachineTests {
    /// A rollout with what is around it.
    struct Trial {
        var state: RolloutState
        var facts: RolloutFacts
        var shares: [[Share]] = []

        init(_ rules: RolloutRules, count: Int = 4, shares: [Share] = [Share(revision: 1, percent: 100)]) {
            state = RolloutState(from: shares.first?.revision ?? 0, to: 2, rules: rules)
            facts = RolloutFacts(now: Moment(microseconds: 0), shares: shares, count: count, ready: 0)
        }

        /// Does what there is to do at once.
        mutating func look() {
            while let change = RolloutMachine.next(state, facts).change {
                state.phase = change.phase
                state.percent = change.percent
                state.message = change.message
                if let base = change.base { state.base = base }
                if change.beginsStep {
                    state.stepSince = facts.now
                    facts.sample = nil
                }
                if let shares = change.shares {
                    facts.shares = shares
                    self.shares.append(shares)
                }
            }
        }

        mutating func pass(_ seconds: Int) {
            facts.now = facts.now.advanced(by: .seconds(seconds))
            look()
        }

        var percents: [Int] { shares.map { $0.first { $0.revision == 2 }?.percent ?? 0 } }
    }

    @Test("all at once waits for as many replicas as there are to be, and is done with the shares")
    func allAtOnce() {
        var trial = Trial(RolloutRules())
        trial.look()
        #expect(trial.state.phase == .preparing && trial.shares.isEmpty)
        trial.facts.ready = 3
        trial.look()
        #expect(trial.state.phase == .preparing)
        trial.facts.ready = 4
        trial.look()
        #expect(trial.state.phase == .done && trial.percents == [100])
    }

    @Test("a canary has its small share for the baking time, and then everything when there are replicas for it")
    func canary() {
        var trial = Trial(RolloutRules(strategy: .canary, step: 10, bake: .seconds(60)))
        trial.facts.ready = 1
        trial.look()
        #expect(trial.state.phase == .baking && trial.percents == [10])
        trial.pass(59)
        #expect(trial.state.phase == .baking)
        trial.pass(1)
        #expect(trial.state.phase == .preparing && trial.percents == [10])
        trial.facts.ready = 4
        trial.look()
        #expect(trial.state.phase == .done && trial.percents == [10, 100])
    }

    @Test("a linear one goes on step by step")
    func linear() {
        var trial = Trial(RolloutRules(strategy: .linear, step: 40, bake: .seconds(10)))
        trial.facts.ready = 4
        for _ in 0..<4 { trial.pass(10) }
        #expect(trial.state.phase == .done && trial.percents == [40, 80, 100])
    }

    @Test("blue and green change places at once, and blue stays for the baking time")
    func blueGreen() {
        var trial = Trial(RolloutRules(strategy: .blueGreen, bake: .seconds(60)))
        trial.facts.ready = 4
        trial.look()
        #expect(trial.state.phase == .baking && trial.percents == [100])
        trial.pass(60)
        #expect(trial.state.phase == .done)
    }

    @Test("a gate that fails gives the requests back and says why with its numbers")
    func gate() {
        let gate = RolloutRules.Gate(measure: .errorRate, maximum: 0.01)
        var trial = Trial(RolloutRules(strategy: .canary, gates: [gate]))
        trial.facts.ready = 1
        trial.look()
        trial.facts.sample = RevisionSample(requests: 19, failures: 19)
        trial.look()
        #expect(trial.state.phase == .baking, "19 requests are too few to judge by")
        trial.facts.sample = RevisionSample(requests: 160, failures: 20)
        trial.look()
        #expect(trial.state.phase == .rolledBack && trial.percents == [10, 0])
        #expect(trial.facts.shares == [Share(revision: 1, percent: 100)])
        #expect(
            trial.state.message
                == "20 of 160 requests to revision 2 failed: 12.5 %, more than the 1 % allowed")
    }

    @Test("with gates, also the last share is watched before it counts as done")
    func lastShare() {
        let gate = RolloutRules.Gate(measure: .latencyP99, maximum: 50)
        var trial = Trial(RolloutRules(gates: [gate]))
        trial.facts.ready = 4
        trial.look()
        #expect(trial.state.phase == .baking && trial.percents == [100])
        var latencies = [Int64](repeating: 0, count: 60)
        latencies[50] = 100
        trial.facts.sample = RevisionSample(requests: 100, failures: 0, latencies: latencies)
        trial.look()
        #expect(trial.state.phase == .rolledBack && trial.facts.shares == [Share(revision: 1, percent: 100)])
    }

    @Test("a revision that will not get ready is given up, and the old one keeps what it had")
    func failure() {
        var trial = Trial(RolloutRules(), shares: [Share(revision: 1, percent: 70), Share(revision: 3, percent: 30)])
        trial.look()
        trial.facts.failure = "exit code 1"
        trial.look()
        #expect(trial.state.phase == .rolledBack && trial.state.message == "exit code 1")
        #expect(trial.facts.shares == [Share(revision: 1, percent: 70), Share(revision: 3, percent: 30)])
    }

    @Test("the first revision of a deployment is tried on, since there is nothing to go back to")
    func first() {
        var trial = Trial(RolloutRules(strategy: .blueGreen), shares: [])
        trial.look()
        trial.facts.failure = "exit code 1"
        trial.look()
        #expect(trial.state.phase == .preparing)
        trial.facts.failure = nil
        trial.facts.ready = 4
        trial.look()
        #expect(trial.state.phase == .done && trial.percents == [100])
    }

    @Test("latencies are read from the buckets, evenly within each")
    func latencies() throws {
        var latencies = [Int64](repeating: 0, count: 40)
        latencies[0] = 50
        latencies[4] = 49
        latencies[20] = 1
        let sample = RevisionSample(requests: 100, failures: 0, latencies: latencies)
        #expect(try #require(sample.latency(0.5)) == 0.1)
        let p99 = try #require(sample.latency(0.99))
        #expect(abs(p99 - 0.2) < 1e-9)
        let p100 = try #require(sample.latency(1))
        #expect(abs(p100 - 3.2) < 1e-9)
        #expect(RevisionSample().latency(0.5) == nil)
    }

    @Test(
        "numbers are short for people",
        arguments: [(0.125, "12.5 %"), (1, "100 %"), (0.0001, "0.01 %"), (0, "0 %"), (0.0375, "3.8 %")])
    func numbers(_ given: Double, _ text: String) { #expect(Plainly.percent(given) == text) }
}
