import TestKit
import Testing

@testable import DeployerCore

@Suite("Scaling over time")
struct AutoscalerTests {
    private func time(_ seconds: Double) -> Moment { Moment(microseconds: Int64(seconds * 1e6)) }
    private func busy(_ slots: Double) -> Demand { Demand(rate: slots * 10, duration: 0.1) }

    @Test("more are wanted at once, and fewer only when so few were enough for a minute")
    func windows() {
        var scaler = Autoscaler()
        let goals = ScalingGoals()
        var current = 1
        func look(_ demand: Demand, at seconds: Double) -> Int {
            current =
                scaler.decide(goals, demand: demand, current: current, slots: 1, ready: current, now: time(seconds))
                .choice.to
            return current
        }
        #expect(look(busy(0.5), at: 0) == 1)
        #expect(look(busy(3), at: 1) == 5)
        #expect(look(busy(0.5), at: 2) == 5)
        #expect(look(busy(1.5), at: 30) == 5)
        #expect(look(busy(0.5), at: 31) == 5)
        #expect(look(busy(0.5), at: 61) == 5)
        // The busiest of the last minute were those of second 30.
        #expect(look(busy(0.5), at: 62.1) == 3)
        #expect(look(busy(0.5), at: 92) == 1)
    }

    @Test("a short peak does not count where more are wanted only after a while")
    func upWindow() {
        var scaler = Autoscaler()
        let goals = ScalingGoals(upAfter: .seconds(10))
        func look(_ demand: Demand, at seconds: Double) -> ScalingChoice {
            scaler.decide(goals, demand: demand, current: 1, slots: 1, ready: 1, now: time(seconds)).choice
        }
        #expect(look(busy(5), at: 0).to == 1)
        #expect(look(busy(0.1), at: 5).to == 1)
        #expect(look(busy(5), at: 6).to == 1)
        #expect(look(busy(4), at: 15).to == 1)
        #expect(look(busy(4), at: 16).to == 6)
    }

    @Test("the last one goes when nobody asked for long enough, and comes back at once when somebody waits")
    func zero() {
        var scaler = Autoscaler()
        let goals = ScalingGoals(minimum: 0, upAfter: .seconds(30), zeroAfter: .seconds(100))
        func look(_ demand: Demand, _ current: Int, at seconds: Double) -> (choice: ScalingChoice, wake: Moment?) {
            scaler.decide(goals, demand: demand, current: current, slots: 1, ready: current, now: time(seconds))
        }
        #expect(look(Demand(), 1, at: 0).choice.to == 1)
        #expect(look(busy(0.1), 1, at: 50).choice.to == 1)
        let waiting = look(Demand(), 1, at: 149)
        #expect(waiting.choice.to == 1)
        #expect(waiting.wake == time(150))
        #expect(look(Demand(), 1, at: 150).choice.to == 0)
        #expect(look(Demand(), 0, at: 500).choice.to == 0)
        #expect(look(Demand(waiting: 1), 0, at: 501).choice.to == 2)
    }

    @Test("bounds that were changed count at once")
    func bounds() {
        var scaler = Autoscaler()
        let now = time(0)
        let up = scaler.decide(ScalingGoals(minimum: 3), demand: Demand(), current: 1, slots: 1, ready: 1, now: now)
        #expect(up.choice.to == 3)
        let down = scaler.decide(ScalingGoals(maximum: 2), demand: busy(9), current: 8, slots: 1, ready: 8, now: now)
        #expect(down.choice.to == 2)
        let wakes = scaler.decide(ScalingGoals(minimum: 2), demand: Demand(), current: 0, slots: 1, ready: 0, now: now)
        #expect(wakes.choice.to == 2)
    }

    @Test("a decision says its numbers in words")
    func words() {
        var scaler = Autoscaler()
        let choice = scaler.decide(
            ScalingGoals(), demand: busy(3.2), current: 4, slots: 1, ready: 4, now: time(0)
        ).choice
        #expect(choice.reason == "3.2 busy of 4 slots is 80 %, over the goal of 70 %")
        #expect(choice.utilisation == 0.8 && choice.computed == 5 && choice.from == 4 && choice.to == 5)
    }

    @Test("whatever the demand, the number is in its bounds, and time alone ends every wait")
    func random() {
        for seed in UInt64(1)...1000 {
            var generator = SeededGenerator(seed: seed)
            var scaler = Autoscaler()
            let goals = ScalingGoals(
                minimum: Int.random(in: 0...3, using: &generator), maximum: Int.random(in: 3...9, using: &generator),
                downAfter: .seconds(Int.random(in: 0...90, using: &generator)),
                upAfter: .seconds(Int.random(in: 0...9, using: &generator)),
                zeroAfter: .seconds(Int.random(in: 0...200, using: &generator)))
            var now = time(0)
            var current = 1
            func look(_ demand: Demand) -> Moment? {
                let answer = scaler.decide(goals, demand: demand, current: current, slots: 1, ready: current, now: now)
                current = answer.choice.to
                return answer.wake
            }
            for _ in 0..<60 {
                now = now.advanced(by: .milliseconds(Int.random(in: 1...20_000, using: &generator)))
                _ = look(busy(Double.random(in: 0...10, using: &generator)))
                #expect((max(1, goals.minimum)...goals.maximum).contains(current), "seed \(seed)")
            }
            // Nobody asks any more: by waking when it says, it comes to the least.
            var looks = 0
            var wake = look(Demand())
            while let next = wake, looks < 200 {
                #expect(next > now, "seed \(seed)")
                now = max(next, now.advanced(by: .microseconds(1)))
                wake = look(Demand())
                looks += 1
            }
            #expect(current == goals.minimum && looks < 200, "seed \(seed): \(current) \(goals)")
        }
    }
}
