import DeployerTargets
import TestKit

@testable import DeployerCore

/// A deployment with its place and its routers in memory. Nothing takes time but by `pass`; work at the place is under way
/// until `complete`.
struct ControlWorld {
    var desired: DesiredDeployment
    var rows: [ReplicaRow] = []
    var place: [ReplicaID: PlacedReplica] = [:]
    var isReachable = true
    var now = Moment(microseconds: 1_000_000_000)
    var routed: [Share]?
    var status: StatusReport?
    var sample: RevisionSample?
    var room: PlaceRoom?
    var isEnded = false
    /// Replicas of these never get ready.
    var bad: Set<Int> = []
    /// These don't answer any more.
    var hung: Set<ReplicaID> = []
    var generator: SeededGenerator
    let rules = ControlRules()

    // What a deployer knows for itself; lost with it.
    var answers: [ReplicaID: ReplicaAnswers] = [:]
    var preparations: [Int: ObservedDeployment.Preparation] = [:]
    var refusals: [ReplicaID: TargetError] = [:]
    var busy: Set<PlaceWork> = []

    init(seed: UInt64, scaled: Int = 2) {
        generator = SeededGenerator(seed: seed)
        desired = DesiredDeployment(newest: 1, revisions: [DesiredRevision(number: 1)], shares: [], scaled: scaled)
    }

    mutating func id() -> ReplicaID { "replica-\(generator.next())" }

    var observed: ObservedDeployment {
        ObservedDeployment(
            now: now, rows: rows, place: isReachable ? .seen(place) : .unreachable("no answer"), answers: answers,
            preparations: preparations, refusals: refusals, busy: busy, room: room, routed: routed, sample: sample,
            status: status)
    }

    func answer() -> DeploymentPlan.Answer { DeploymentPlan.next(desired, observed, rules: rules) }

    /// Ready replicas that get requests.
    var serving: Int {
        (routed ?? []).reduce(0) { sum, share in
            sum + rows.count { $0.revision == share.revision && $0.state == .ready }
        }
    }

    /// What the rules promise of a step before it is done; nil where nothing is wrong with it.
    func objection(to step: ControlStep) -> String? {
        let row = { (id: ReplicaID) in rows.first { $0.id == id } }
        switch step {
        case .intend(let revision):
            if desired.isDeleting { return "a replica of a deployment that goes" }
            guard let wish = desired.revision(revision) else { return "a replica of no revision" }
            return room?.shortage(of: wish.needs)
        case .start(let id):
            return row(id)?.state == .pending ? nil : "a start without an intention"
        case .stop(let id, _):
            guard let row = row(id) else { return nil }
            if row.state == .failed { return nil }
            guard row.state == .draining else { return "a stop of a replica that is \(row.state)" }
            if row.readyAt != nil, let since = row.drainingAt, now < since.advanced(by: rules.drain) {
                return "a stop before routers know"
            }
            return nil
        case .remove(let id):
            if case .ended? = place[id]?.state { return nil }
            return place[id] == nil ? nil : "a removal of what runs"
        case .ready(let id, _):
            guard let placed = place[id], placed.state == .alive, !bad.contains(placed.revision) else {
                return "what does not answer became ready"
            }
            return nil
        default: return nil
        }
    }

    mutating func apply(_ step: ControlStep) {
        switch step {
        case .intend(let revision): rows.append(ReplicaRow(id: id(), revision: revision))
        case .begun(let id):
            change(id) { row, now in
                row.state = .starting
                row.startedAt = now
            }
        case .ready(let id, _):
            change(id) { row, now in
                row.state = .ready
                row.readyAt = now
            }
        case .fail(let id, let message, let again, let restarts):
            change(id) { row, _ in
                row.state = .failed
                row.message = message
                row.nextAttempt = again
                row.restarts = restarts
            }
        case .beginAgain(let id):
            let fresh = self.id()
            change(id) { row, _ in
                row = ReplicaRow(id: fresh, revision: row.revision, restarts: row.restarts + 1, message: row.message)
            }
        case .drain(let ids):
            for id in ids {
                change(id) { row, now in
                    row.state = .draining
                    row.drainingAt = now
                }
            }
        case .forget(let id): rows.removeAll { $0.id == id }
        case .route(let shares): routed = shares
        case .rollout(let change): apply(change)
        case .report(let report): status = report
        case .endDeletion: isEnded = true
        case .prepare, .start, .stop, .remove: if let work = step.work { busy.insert(work) }
        }
    }

    private mutating func apply(_ change: RolloutChange) {
        guard var rollout = desired.rollout else { return }
        rollout.phase = change.phase
        rollout.percent = change.percent
        rollout.message = change.message
        if let base = change.base { rollout.base = base }
        if change.beginsStep {
            rollout.stepSince = now
            sample = nil
        }
        if let shares = change.shares { desired.shares = shares }
        desired.rollout = rollout.phase.isOpen ? rollout : nil
        if !rollout.phase.isOpen { desired.lastRollout = rollout }
    }

    private mutating func change(_ id: ReplicaID, _ body: (inout ReplicaRow, Moment) -> Void) {
        guard let index = rows.firstIndex(where: { $0.id == id }) else { return }
        body(&rows[index], now)
    }

    /// Work at the place comes to its end. Does it all again where it was done before.
    mutating func complete(_ work: PlaceWork, refusing refusal: TargetError? = nil) {
        busy.remove(work)
        guard isReachable else { return }
        switch work {
        case .prepare(let revision):
            preparations[revision] = refusal.map { .failed($0.message, again: now.advanced(by: .seconds(5))) } ?? .done
        case .start(let id):
            if let refusal {
                refusals[id] = refusal
            } else if place[id] == nil {
                let revision = rows.first { $0.id == id }?.revision ?? 1
                place[id] = PlacedReplica(state: .alive, revision: revision, address: "127.0.0.1:1")
            }
        case .stop(let id): if place[id] != nil { place[id]?.state = .ended("stopped") }
        case .remove(let id): if case .ended? = place[id]?.state { place[id] = nil }
        }
    }

    /// Asks every replica that runs.
    mutating func probe() {
        for (id, replica) in place where replica.state == .alive {
            let isReady = !bad.contains(replica.revision) && !hung.contains(id)
            var last = answers[id] ?? ReplicaAnswers()
            last.isReady = isReady
            last.failures = isReady ? 0 : last.failures + 1
            last.message = isReady ? "" : "503"
            answers[id] = last
        }
    }

    mutating func pass(_ time: Duration) { now = now.advanced(by: time) }

    /// The deployer dies; what it had under way is done or not.
    mutating func die() {
        for work in busy.sorted(by: { "\($0)" < "\($1)" }) where Bool.random(using: &generator) { complete(work) }
        busy = []
        answers = [:]
        preparations = [:]
        refusals = [:]
    }

    /// Does what there is to do, with nothing going wrong, until nothing is left. Nil where that does not come to an end.
    mutating func settle(limit: Int = 4000, _ check: (inout ControlWorld, ControlStep) -> Void = { _, _ in }) -> Int? {
        for count in 0..<limit {
            probe()
            let answer = answer()
            if let step = answer.step {
                check(&self, step)
                apply(step)
                if isEnded { return count }
            } else if let work = busy.sorted(by: { "\($0)" < "\($1)" }).first {
                complete(work)
            } else if let wake = answer.wake {
                guard wake > now else { return nil }
                now = wake
            } else {
                return count
            }
        }
        return nil
    }
}
