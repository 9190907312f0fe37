internal import Loop

extension Controller {
    /// What the demand asks for now; also says when to ask again.
    func decide(_ deployment: TendedDeployment) -> ScalingChoice {
        let record = deployment.record
        let now = deployment.now(loop)
        let (demand, changes) = deployment.meter.demand(at: now)
        if let changes { later(deployment, changes) }
        let (choice, wake) = deployment.autoscaler.decide(
            record.goals, demand: demand, current: record.desired.scaled, slots: record.slots, ready: record.ready,
            now: now)
        if let wake { later(deployment, wake) }
        guard !record.desired.isDeleting else {
            var none = choice
            none.to = none.from
            return none
        }
        return choice
    }

    /// One that changes nothing is written now and then, where it says something else than the last.
    func isWorthWriting(_ choice: ScalingChoice, _ deployment: TendedDeployment) -> Bool {
        guard !choice.changes, choice.demand.isPresent, !deployment.record.desired.isDeleting else { return false }
        guard let last = deployment.recorded else { return true }
        return last.computed != choice.computed && loop.clock.now >= last.at.advanced(by: .seconds(30))
    }

    func later(_ deployment: TendedDeployment, _ moment: Moment) {
        let pause = max(.milliseconds(1), deployment.now(loop).duration(to: moment))
        deployment.later(loop.clock.now.advanced(by: pause))
    }
}
