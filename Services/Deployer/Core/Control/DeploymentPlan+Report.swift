internal import DeployerTargets

/// How a deployment is, in words.
extension DeploymentPlan {
    func report() -> StatusReport {
        let served = Set(shares.map(\.revision))
        let ready = observed.rows.count { $0.state == .ready }
        return StatusReport(
            state: state(served), conditions: conditions(served), wanted: wanted.values.reduce(0, +),
            wantedByRevision: wanted, ready: ready,
            generation: desired.generation)
    }

    private func isWhole(_ revision: Int) -> Bool { observed.ready(revision) >= (wanted[revision] ?? 0) }

    private func state(_ served: Set<Int>) -> StatusReport.State {
        if desired.isDeleting { return .deleting }
        if desired.count == 0 { return .asleep }
        let answering = served.filter { observed.ready($0) > 0 }
        // Where it is looping nobody waits for it; otherwise requests are held.
        if answering.isEmpty { return isHopeless ? .failed : .deploying }
        let isAsWanted = shares == desired.targetShares && served.allSatisfy(isWhole)
        return isAsWanted ? .healthy : .degraded
    }

    private var isHopeless: Bool {
        let rows = observed.rows.filter { $0.state != .draining }
        guard rows.isEmpty else { return rows.allSatisfy(isLooping) }
        if case .missing? = desired.revision(newest)?.image { return true }
        return false
    }

    /// The revision that people wait for.
    private var newest: Int { desired.rollout?.to ?? desired.targetShares.map(\.revision).max() ?? desired.newest }

    private func conditions(_ served: Set<Int>) -> [StatusReport.Condition] {
        var result = [readiness(served)]
        if !desired.isDeleting, newest > 0 { result.append(newestReadiness()) }
        result.append(place())
        if let rollout = rolloutHealth() { result.append(rollout) }
        return result
    }

    private func readiness(_ served: Set<Int>) -> StatusReport.Condition {
        func ready(_ holds: Bool, _ reason: String, _ message: String) -> StatusReport.Condition {
            .init(type: "Ready", holds: holds, reason: reason, message: message)
        }
        if desired.isDeleting { return ready(false, "Deleting", "its replicas end") }
        if desired.count == 0 { return ready(true, "Asleep", "the next request wakes it") }
        let silent = served.filter { observed.ready($0) == 0 }.sorted()
        if silent.isEmpty, !served.isEmpty { return ready(true, "Serving", "every revision with requests answers") }
        if let (reason, message) = trouble(silent.first ?? newest) { return ready(false, reason, message) }
        return ready(false, "Starting", "no replica is ready yet")
    }

    private func newestReadiness() -> StatusReport.Condition {
        func condition(_ holds: Bool?, _ reason: String, _ message: String) -> StatusReport.Condition {
            .init(type: "RevisionReady", holds: holds, reason: reason, message: message)
        }
        let number = newest
        if let (reason, message) = trouble(number) { return condition(false, reason, message) }
        if isWhole(number) {
            return desired.count == 0
                ? condition(nil, "Asleep", "no replica of revision \(number) is needed")
                : condition(true, "Ready", "revision \(number) has its replicas")
        }
        if let desired = desired.revision(number), case .coming(let how) = desired.image {
            return condition(false, "ImageComing", how)
        }
        return condition(false, "Starting", "replicas of revision \(number) are starting")
    }

    /// What keeps a revision from having its replicas; nil where nothing is known to.
    private func trouble(_ number: Int) -> (reason: String, message: String)? {
        guard let revision = desired.revision(number) else { return nil }
        if case .missing(let why) = revision.image { return ("ImageMissing", why) }
        guard !isWhole(number) else { return nil }
        if case .failed(let why, _)? = observed.preparations[number] { return ("ImageUnusable", why) }
        let rows = observed.rows.filter { $0.revision == number }
        if let looping = rows.first(where: isLooping) {
            return ("CrashLoop", "it fails again and again: \(looping.message)")
        }
        if let failed = rows.first(where: { $0.state == .failed }) { return ("ReplicaFailed", failed.message) }
        if let shortage { return ("NoCapacity", "there is no room for a replica of revision \(number): \(shortage)") }
        return nil
    }

    private func place() -> StatusReport.Condition {
        switch observed.place {
        case .unreachable(let why):
            return .init(
                type: "TargetReachable", holds: false, reason: "Unreachable",
                message: "nothing is changed there until it answers: \(why)")
        case .seen: return .init(type: "TargetReachable", holds: true, reason: "Reachable", message: "")
        case .unseen:
            // What was known before stays until somebody looked.
            let before = observed.status?.conditions.first { $0.type == "TargetReachable" }
            return before ?? .init(type: "TargetReachable", holds: nil, reason: "Unknown", message: "")
        }
    }

    private func rolloutHealth() -> StatusReport.Condition? {
        if let rollout = desired.rollout {
            let reason = rollout.phase == .baking ? "Baking" : "Preparing"
            return .init(type: "RolloutHealthy", holds: true, reason: reason, message: rollout.message)
        }
        guard let last = desired.lastRollout, last.phase == .rolledBack else { return nil }
        return .init(type: "RolloutHealthy", holds: false, reason: "RolledBack", message: last.message)
    }
}
