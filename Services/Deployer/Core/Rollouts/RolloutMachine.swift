/// What there is to know when a rollout is looked at.
struct RolloutFacts: Equatable, Sendable {
    var now: Moment
    /// How requests are divided.
    var shares: [Share]
    /// How many replicas there are to be, all revisions together.
    var count: Int
    /// How many of the new revision are ready.
    var ready: Int
    /// Why the new revision will not get ready; nil while it may.
    var failure: String?
    /// What it answered since the step began.
    var sample: RevisionSample?
}

/// Leads a rollout from share to share. Values in, one change out.
enum RolloutMachine {
    /// - Returns: what is to change now, and otherwise when time alone changes something.
    static func next(_ state: RolloutState, _ facts: RolloutFacts) -> (change: RolloutChange?, wake: Moment?) {
        guard state.phase.isOpen else { return (nil, nil) }
        guard let base = state.base, let since = state.stepSince else {
            return (
                RolloutChange(
                    phase: .preparing, percent: 0, message: "waits for replicas of revision \(state.to)",
                    base: facts.shares.normal.filter { $0.revision != state.to }.isEmpty ? [] : facts.shares.normal,
                    beginsStep: true), nil
            )
        }
        if let reason = objection(state, facts) {
            // Nothing served before: there is nothing to go back to, and it is tried on.
            return base.isEmpty ? (nil, nil) : (rollBack(state, base, reason), nil)
        }
        if state.phase == .baking {
            let end = since.advanced(by: state.rules.bake)
            guard facts.now >= end else { return (nil, end) }
            if state.percent >= 100 { return (done(state), nil) }
            let message = "waits for more replicas of revision \(state.to)"
            if facts.ready < need(state, facts) {
                return (RolloutChange(phase: .preparing, percent: state.percent, message: message), nil)
            }
        }
        guard facts.ready >= need(state, facts) else { return (nil, nil) }
        return (shift(state, base), nil)
    }

    /// Replicas that the new revision has to have for its next share.
    static func need(_ state: RolloutState, _ facts: RolloutFacts) -> Int {
        max(1, [Share(revision: state.to, percent: state.aim)].dividing(facts.count)[state.to] ?? 1)
    }

    private static func shift(_ state: RolloutState, _ base: [Share]) -> RolloutChange {
        let percent = state.aim
        let shares = base.giving(percent, to: state.to)
        guard percent < 100 || (state.rules.bakesWhole && !base.isEmpty) else {
            return RolloutChange(
                phase: .done, percent: 100, message: "revision \(state.to) has all requests", shares: shares)
        }
        return RolloutChange(
            phase: .baking, percent: percent,
            message: "revision \(state.to) has \(percent) % of the requests and is watched", shares: shares,
            beginsStep: true)
    }

    private static func done(_ state: RolloutState) -> RolloutChange {
        RolloutChange(phase: .done, percent: 100, message: "revision \(state.to) has all requests")
    }

    private static func rollBack(_ state: RolloutState, _ base: [Share], _ reason: String) -> RolloutChange {
        RolloutChange(phase: .rolledBack, percent: 0, message: reason, shares: base)
    }

    private static func objection(_ state: RolloutState, _ facts: RolloutFacts) -> String? {
        if let failure = facts.failure { return failure }
        guard state.percent > 0, let sample = facts.sample else { return nil }
        return state.rules.gates.lazy.compactMap { $0.objection(to: sample, of: state.to) }.first
    }
}
