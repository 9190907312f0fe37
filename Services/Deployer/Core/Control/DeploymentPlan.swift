internal import DeployerTargets

/// Compares what is wanted of a deployment with what is, and says the one next thing to do. Values in, a step out
/// (Docs/decisions/0005-deployer.md).
///
/// Whoever does the step looks again and asks again; nothing is remembered between two questions.
struct DeploymentPlan {
    struct Answer: Equatable, Sendable {
        /// Nil where there is nothing to do until something changes.
        var step: ControlStep?
        /// When time alone may change that.
        var wake: Moment?
    }

    let desired: DesiredDeployment
    let observed: ObservedDeployment
    let rules: ControlRules
    /// How requests are to be divided now: what is wanted, or where that is not possible yet, the best there is.
    let shares: [Share]
    /// How many replicas each revision is to have.
    let wanted: [Int: Int]
    /// Why a replica that is wanted can't be: there is no room for it.
    private(set) var shortage: String?
    private(set) var wake: Moment?

    static func next(
        _ desired: DesiredDeployment, _ observed: ObservedDeployment, rules: ControlRules = ControlRules()
    ) -> Answer {
        var plan = DeploymentPlan(desired, observed, rules)
        let step = plan.next()
        return Answer(step: step, wake: plan.wake)
    }

    init(_ desired: DesiredDeployment, _ observed: ObservedDeployment, _ rules: ControlRules) {
        self.desired = desired
        self.observed = observed
        self.rules = rules
        (shares, wanted) = DeploymentPlan.division(desired, observed, rules)
    }

    private mutating func next() -> ControlStep? {
        // What is known of replicas first; then where requests go; then what there is too much and too little of.
        if let step = settle() { return step }
        if let step = rollOut() { return step }
        if let step = divide() { return step }
        if let step = drop() { return step }
        if let step = end() { return step }
        if let step = remedy() { return step }
        if let step = begin() { return step }
        if let step = removeOrphans() { return step }
        if desired.isDeleting, observed.rows.isEmpty, case .seen(let placed) = observed.place, placed.isEmpty,
            observed.busy.isEmpty
        {
            return .endDeletion
        }
        let report = report()
        return report == observed.status ? nil : .report(report)
    }

    /// What the place knows; nil where it was not seen, and then nothing is concluded from what is missing.
    var placed: [ReplicaID: PlacedReplica]? {
        if case .seen(let placed) = observed.place { return placed }
        return nil
    }

    /// To be looked at again by then at the latest.
    mutating func later(_ moment: Moment) { wake = wake.map { min($0, moment) } ?? moment }

    /// The step, unless it is under way.
    func unlessBusy(_ step: ControlStep) -> ControlStep? {
        step.work.map(observed.busy.contains) ?? false ? nil : step
    }

    mutating func noteShortage(_ message: String) { shortage = shortage ?? message }

    private mutating func rollOut() -> ControlStep? {
        guard !desired.isDeleting, let rollout = desired.rollout else { return nil }
        let facts = RolloutFacts(
            now: observed.now, shares: desired.shares, count: desired.count, ready: observed.ready(rollout.to),
            failure: failure(of: rollout), sample: observed.sample)
        let (change, wake) = RolloutMachine.next(rollout, facts)
        if let wake { later(wake) }
        return change.map(ControlStep.rollout)
    }

    /// Why the new revision of a rollout will not get ready.
    private func failure(of rollout: RolloutState) -> String? {
        guard let revision = desired.revision(rollout.to) else { return "revision \(rollout.to) is gone" }
        if case .missing(let why) = revision.image { return "the image of revision \(rollout.to) can't be had: \(why)" }
        guard observed.ready(rollout.to) < (wanted[rollout.to] ?? 1) else { return nil }
        let failed = observed.rows.filter { $0.revision == rollout.to && $0.state == .failed }
        if let looping = failed.first(where: isLooping) {
            return
                "a replica of revision \(rollout.to) failed \(looping.restarts + 1) times in a row: \(looping.message)"
        }
        if let since = rollout.stepSince, let slow = failed.first,
            observed.now >= since.advanced(by: revision.startTimeout)
        {
            return "revision \(rollout.to) did not get ready: \(slow.message)"
        }
        return nil
    }

    private func divide() -> ControlStep? { observed.routed == shares ? nil : .route(shares) }

    /// Whether a replica failed as often as nobody waits for. Beginning again alone has not made it better.
    func isLooping(_ row: ReplicaRow) -> Bool {
        switch row.state {
        case .failed: row.restarts >= rules.loop
        case .pending, .starting: row.restarts > rules.loop
        case .ready, .draining: false
        }
    }
}
