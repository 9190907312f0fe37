extension DeploymentPlan {
    /// How requests are to be divided now, and how many replicas that takes.
    ///
    /// The division that is wanted comes into force when each of its revisions has the replicas that it needs. Until then
    /// the one that routers have stays, with its replicas, so that nothing is taken from who serves before who follows
    /// serves.
    static func division(
        _ desired: DesiredDeployment, _ observed: ObservedDeployment, _ rules: ControlRules
    ) -> (shares: [Share], wanted: [Int: Int]) {
        guard !desired.isDeleting else { return ([], [:]) }
        let target = desired.targetShares
        let current = observed.routed?.normal ?? []
        let shares = choose(target, current, desired, observed)

        var wanted = target.dividing(desired.count)
        func atLeast(_ counts: [Int: Int]) {
            for (revision, count) in counts { wanted[revision, default: 0].raise(count) }
        }
        if let rollout = desired.rollout {
            // Where everything may go back to stays as it was.
            atLeast((rollout.base ?? desired.shares).dividing(desired.count))
            let need = [Share(revision: rollout.to, percent: rollout.aim)].dividing(desired.count)
            atLeast(need.mapValues { max(1, $0) })
        }
        if shares != target { atLeast(shares.dividing(desired.count)) }
        return (shares, wanted)
    }

    private static func choose(
        _ target: [Share], _ current: [Share], _ desired: DesiredDeployment, _ observed: ObservedDeployment
    ) -> [Share] {
        let needs = target.dividing(desired.count)
        // Away from what was rolled back as soon as anybody is there for the requests.
        let isUrgent = desired.rollout == nil && desired.lastRollout?.phase == .rolledBack
        let isPossible = needs.allSatisfy { revision, need in
            observed.ready(revision) >= (isUrgent ? min(need, 1) : need)
        }
        if isPossible { return target }
        if !current.isEmpty, current.allSatisfy({ observed.ready($0.revision) > 0 }) { return current }
        let answering = Set((target + current).map(\.revision).filter { observed.ready($0) > 0 })
        // Whatever answers, where more replicas do.
        func serving(_ shares: [Share]) -> Int { shares.reduce(0) { $0 + observed.ready($1.revision) } }
        let (ofTarget, ofCurrent) = (target.among(answering), current.among(answering))
        if ofTarget.isEmpty, ofCurrent.isEmpty { return target }
        return serving(ofTarget) >= serving(ofCurrent) ? ofTarget : ofCurrent
    }
}

extension Int {
    fileprivate mutating func raise(_ least: Int) { self = Swift.max(self, least) }
}
