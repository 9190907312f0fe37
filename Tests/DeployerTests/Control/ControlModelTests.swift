import DeployerTargets
import TestKit
import Testing

@testable import DeployerCore

@Suite("Control, checked as a model")
struct ControlModelTests {
    @Test(
        "whatever goes wrong in whatever order, what is wanted comes about when it stops, and no rule is broken before")
    func convergence() {
        for seed in UInt64(1)...3000 {
            var world = ControlWorld(seed: seed, scaled: 1 + Int(seed % 3))
            guard chaos(&world, seed) else { return }
            guard !world.isEnded else { continue }
            calm(&world)
            var broken: String?
            let count = world.settle { world, step in broken = broken ?? breach(&world, step) }
            #expect(broken == nil, "seed \(seed)")
            #expect(count != nil, "no end: seed \(seed), \(world.desired), \(world.rows), \(world.answer())")
            guard broken == nil, count != nil, isReached(world, seed) else { return }
        }
    }

    /// - Returns: false where a rule was broken.
    private func chaos(_ world: inout ControlWorld, _ seed: UInt64) -> Bool {
        let length = Int.random(in: 20...250, using: &world.generator)
        for _ in 0..<length {
            switch Int.random(in: 0..<24, using: &world.generator) {
            case 0: harm(&world) { $0.place[$1]?.state = .ended("exit code 1") }
            case 1: harm(&world) { $0.place[$1] = nil }
            case 2: harm(&world) { $0.hung.insert($1) }
            case 3: world.isReachable.toggle()
            case 4: world.die()
            case 5:
                world.place["orphan-\(world.generator.next())"] = PlacedReplica(
                    state: Bool.random(using: &world.generator) ? .alive : .ended("left"), revision: 1)
            case 6: world.desired.scaled = Int.random(in: 0...5, using: &world.generator)
            case 7: update(&world)
            case 8: divide(&world)
            case 9: world.room = PlaceRoom(replicas: Int.random(in: 0...4, using: &world.generator))
            case 10:
                world.sample = RevisionSample(
                    requests: 100, failures: Int64.random(in: 0...40, using: &world.generator))
            case 11: if Int.random(in: 0..<20, using: &world.generator) == 0 { world.desired.isDeleting = true }
            case 12: world.pass(.seconds(Int.random(in: 1...400, using: &world.generator)))
            case 13, 14: world.pass(.milliseconds(Int.random(in: 1...9000, using: &world.generator)))
            case 15, 16: world.probe()
            case 17: for id in world.place.keys.sorted() { world.answers[id]?.failures += 1 }
            case 18, 19:
                guard let work = world.busy.sorted(by: { "\($0)" < "\($1)" }).randomElement(using: &world.generator)
                else { continue }
                let isRefused = Int.random(in: 0..<4, using: &world.generator) == 0
                let codes: [TargetError.Code] = [.noCapacity, .failed, .unreachable, .unusableImage, .stale]
                let code = codes.randomElement(using: &world.generator) ?? .failed
                world.complete(work, refusing: isRefused ? TargetError(code, "refused") : nil)
            default:
                guard let step = world.answer().step else { continue }
                if let broken = breach(&world, step) {
                    Issue.record("seed \(seed): \(broken)")
                    return false
                }
                world.apply(step)
                if world.isEnded { return true }
            }
        }
        return true
    }

    private func harm(_ world: inout ControlWorld, _ body: (inout ControlWorld, ReplicaID) -> Void) {
        guard let id = world.place.keys.sorted().randomElement(using: &world.generator) else { return }
        body(&world, id)
    }

    private func update(_ world: inout ControlWorld) {
        let strategies: [RolloutRules.Strategy] = [.allAtOnce, .canary, .linear, .blueGreen]
        let number = world.desired.newest + 1
        world.desired.newest = number
        world.desired.revisions.append(DesiredRevision(number: number))
        if Int.random(in: 0..<3, using: &world.generator) == 0 { world.bad.insert(number) }
        let rules = RolloutRules(
            strategy: strategies.randomElement(using: &world.generator) ?? .canary,
            step: Int.random(in: 1...60, using: &world.generator),
            gates: Bool.random(using: &world.generator) ? [.init(measure: .errorRate, maximum: 0.1)] : [])
        world.sample = nil
        world.desired.rollout = RolloutState(from: number - 1, to: number, rules: rules)
        world.desired.generation += 1
    }

    private func divide(_ world: inout ControlWorld) {
        let numbers = world.desired.revisions.map(\.number).filter { !world.bad.contains($0) }
        guard let first = numbers.randomElement(using: &world.generator),
            let second = numbers.randomElement(using: &world.generator)
        else { return }
        let percent = Int.random(in: 0...100, using: &world.generator)
        world.desired.shares = [Share(revision: first, percent: 100)].giving(percent, to: second)
        if first == second { world.desired.shares = [Share(revision: first, percent: 100)] }
        world.desired.rollout = nil
    }

    /// What a step breaks that the rules promise.
    private func breach(_ world: inout ControlWorld, _ step: ControlStep) -> String? {
        if let objection = world.objection(to: step) { return "\(step): \(objection)" }
        switch step {
        case .route, .drain, .rollout, .forget, .stop, .remove:
            var after = world
            after.apply(step)
            // Where fewer are to be, fewer may serve; that a small part is rounded up is no need.
            let parts = after.desired.targetShares.dividing(after.desired.count).values.reduce(0, +)
            let needed = min(parts, after.desired.count)
            let isUrgent = after.desired.rollout == nil && after.desired.lastRollout?.phase == .rolledBack
            let least = min(world.serving, isUrgent ? min(1, needed) : needed)
            return after.serving >= least
                ? nil : "\(step): \(after.serving) serve where \(world.serving) did and \(needed) are needed"
        default: return nil
        }
    }

    /// Nothing goes wrong any more.
    private func calm(_ world: inout ControlWorld) {
        world.isReachable = true
        world.room = nil
        world.hung = []
        world.bad = []
        world.refusals = [:]
        world.sample = nil
        world.answers = [:]
    }

    private func isReached(_ world: ControlWorld, _ seed: UInt64) -> Bool {
        if world.desired.isDeleting {
            #expect(world.isEnded && world.rows.isEmpty && world.place.isEmpty, "seed \(seed)")
            return world.isEnded
        }
        let target = world.desired.targetShares
        let wanted = target.dividing(world.desired.count).filter { $0.value > 0 }
        let ready = Dictionary(grouping: world.rows, by: \.revision).mapValues { $0.count { $0.state == .ready } }
        let isReached =
            ready == wanted && world.rows.count == wanted.values.reduce(0, +) && world.routed == target
            && Set(world.place.keys) == Set(world.rows.map(\.id)) && world.desired.rollout == nil
            && (world.status?.state == .healthy || world.status?.state == .asleep)
        #expect(isReached, "seed \(seed): \(target) \(wanted) \(world.rows) \(String(describing: world.status))")
        return isReached
    }
}
