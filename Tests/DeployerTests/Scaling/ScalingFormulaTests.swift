import TestKit
import Testing

@testable import DeployerCore

@Suite("The number of replicas that a demand asks for")
struct ScalingFormulaTests {
    struct Case: Sendable {
        var goals: ScalingGoals
        var demand: Demand
        var slots = 1
        var replicas: Int

        init(_ demand: Demand, slots: Int = 1, _ replicas: Int) {
            self.init(ScalingGoals(), demand, slots: slots, replicas)
        }

        init(_ goals: ScalingGoals, _ demand: Demand, slots: Int = 1, _ replicas: Int) {
            self.goals = goals
            self.demand = demand
            self.slots = slots
            self.replicas = replicas
        }
    }

    @Test(
        "is rate × duration / goal / slots, rounded up, and alike for the other measures",
        arguments: [
            Case(Demand(), 0),
            Case(Demand(rate: 10, duration: 0.1), 2),
            Case(Demand(rate: 7, duration: 0.1), 1),
            Case(Demand(rate: 7.1, duration: 0.1), 2),
            Case(Demand(rate: 100, duration: 0.07), 10),
            Case(Demand(rate: 100, duration: 0.07), slots: 4, 3),
            Case(Demand(rate: 32, duration: 0.1, waiting: 2), slots: 4, 2),
            // Nobody was answered since the last look, but somebody is being answered.
            Case(Demand(rate: 0, duration: 0, inFlight: 3), 5),
            // Short requests that happen to be under way are in the rate already.
            Case(Demand(rate: 4, duration: 0.1, inFlight: 1), 1),
            // Long ones are not.
            Case(Demand(rate: 1, duration: 8, inFlight: 14, span: 1), 20),
            Case(ScalingGoals(measure: .concurrency, goal: 4), Demand(rate: 100, duration: 0.1), 3),
            Case(ScalingGoals(measure: .concurrency, goal: 1), Demand(rate: 0, inFlight: 2, waiting: 3), 5),
            Case(ScalingGoals(measure: .rate, goal: 10), Demand(rate: 95, duration: 3), 10),
            Case(ScalingGoals(measure: .rate, goal: 10), Demand(waiting: 80), 1),
            Case(ScalingGoals(goal: 0.5), Demand(rate: .infinity, duration: 1), 1_000_000),
            Case(ScalingGoals(goal: .nan), Demand(rate: 3, duration: 1), 3),
        ])
    func table(_ given: Case) { #expect(given.goals.computed(given.demand, slots: given.slots) == given.replicas) }

    @Test("grows with the rate, the duration, what is under way and what waits, and stays in its bounds")
    func monotony() {
        for seed in UInt64(1)...20_000 {
            var generator = SeededGenerator(seed: seed)
            func number(_ range: ClosedRange<Double>) -> Double { Double.random(in: range, using: &generator) }
            var goals = ScalingGoals(
                minimum: Int.random(in: 0...5, using: &generator), maximum: Int.random(in: 5...30, using: &generator))
            goals.measure = [.utilisation, .concurrency, .rate].randomElement(using: &generator) ?? .rate
            goals.goal = number(0.05...20)
            let less = Demand(
                rate: number(0...1000), duration: number(0...2), inFlight: number(0...50),
                waiting: Int.random(in: 0...50, using: &generator))
            var more = less
            switch seed % 4 {
            case 0: more.rate += number(0...100)
            case 1: more.duration += number(0...1)
            case 2: more.inFlight += number(0...10)
            default: more.waiting += Int.random(in: 0...10, using: &generator)
            }
            let slots = Int.random(in: 1...8, using: &generator)
            let (few, many) = (goals.computed(less, slots: slots), goals.computed(more, slots: slots))
            #expect(few <= many, "seed \(seed)")
            #expect((max(1, goals.minimum)...goals.maximum).contains(goals.bounded(few)), "seed \(seed)")
        }
    }

    @Test("is divided among revisions by their shares, none of them without a replica")
    func division() {
        let shares = [Share(revision: 1, percent: 90), Share(revision: 2, percent: 10)]
        #expect(shares.dividing(4) == [1: 4, 2: 1])
        #expect(shares.dividing(20) == [1: 18, 2: 2])
        #expect(shares.dividing(0) == [1: 0, 2: 0])
        for percent in 0...100 {
            for count in 1...30 {
                let parts = [Share(revision: 1, percent: 100)].giving(percent, to: 2).dividing(count)
                let sum = parts.values.reduce(0, +)
                #expect(sum >= count && sum <= count + 1)
                #expect(parts.values.allSatisfy { $0 > 0 })
            }
        }
    }

    @Test("shares stay a hundred together, whatever part goes to another revision")
    func shares() {
        for seed in UInt64(1)...5000 {
            var generator = SeededGenerator(seed: seed)
            var left = 100
            var shares: [Share] = []
            for revision in 1...5 {
                let percent = revision == 5 ? left : Int.random(in: 0...left, using: &generator)
                shares.append(Share(revision: revision, percent: percent))
                left -= percent
            }
            let percent = Int.random(in: 0...100, using: &generator)
            let given = shares.giving(percent, to: 9)
            #expect(given.reduce(0) { $0 + $1.percent } == 100, "seed \(seed)")
            let among = shares.among([1, 3, 5])
            #expect(among.isEmpty || among.reduce(0) { $0 + $1.percent } == 100, "seed \(seed)")
        }
    }
}
