internal import DeployerTargets

/// What was seen of replicas becomes what is written of them.
extension DeploymentPlan {
    mutating func settle() -> ControlStep? {
        guard let placed else { return nil }
        for row in observed.rows {
            let step: ControlStep? =
                switch row.state {
                case .pending: settlePending(row, placed[row.id])
                case .starting: settleStarting(row, placed[row.id])
                case .ready: settleReady(row, placed[row.id])
                case .draining, .failed: nil
                }
            if let step { return step }
        }
        return nil
    }

    private func settlePending(_ row: ReplicaRow, _ replica: PlacedReplica?) -> ControlStep? {
        if replica != nil { return .begun(row.id) }
        guard let refusal = observed.refusals[row.id], !observed.busy.contains(.start(row.id)) else { return nil }
        switch refusal.code {
        // Nobody knows what it did, or somebody else has the work by now.
        case .unreachable, .stale: return nil
        default: return fail(row, refusal.message)
        }
    }

    private mutating func settleStarting(_ row: ReplicaRow, _ replica: PlacedReplica?) -> ControlStep? {
        guard let replica else { return fail(row, "it is gone from its place") }
        if case .ended(let why) = replica.state { return fail(row, why) }
        if let answers = observed.answers[row.id], answers.isReady, let address = replica.address {
            return .ready(row.id, address: address)
        }
        guard let revision = desired.revision(row.revision), let started = row.startedAt else { return nil }
        let end = started.advanced(by: revision.startTimeout)
        guard observed.now >= end else {
            later(end)
            return nil
        }
        let last = observed.answers[row.id]?.message ?? ""
        let limit = Plainly.number(revision.startTimeout.inSeconds)
        return fail(row, "it was not ready after \(limit) s" + (last.isEmpty ? "" : ": \(last)"))
    }

    private func settleReady(_ row: ReplicaRow, _ replica: PlacedReplica?) -> ControlStep? {
        guard let replica else { return fail(row, "it is gone from its place") }
        if case .ended(let why) = replica.state { return fail(row, why) }
        guard let answers = observed.answers[row.id], let revision = desired.revision(row.revision),
            answers.failures >= max(1, revision.failures)
        else { return nil }
        return fail(row, "it did not answer \(answers.failures) times in a row: \(answers.message)")
    }

    private func fail(_ row: ReplicaRow, _ message: String) -> ControlStep {
        let wasSteady = row.readyAt.map { observed.now >= $0.advanced(by: rules.steady) } ?? false
        let restarts = wasSteady ? 0 : row.restarts
        let again = observed.now.advanced(by: rules.pause(after: restarts))
        return .fail(row.id, message: message, again: again, restarts: restarts)
    }
}
