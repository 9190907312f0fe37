internal import DeployerTargets

/// One thing to do for a deployment.
enum ControlStep: Equatable, Sendable {
    // Written down, each in one transaction under the lease, the route with it where it follows.
    /// A replica is to be: its row, before it is anywhere.
    case intend(revision: Int)
    /// The place has it.
    case begun(ReplicaID)
    /// It answers: it gets requests.
    case ready(ReplicaID, address: String)
    /// It gets no requests any more, and is begun again at that time.
    case fail(ReplicaID, message: String, again: Moment, restarts: Int)
    /// A failed one becomes one to be begun, under another id.
    case beginAgain(ReplicaID)
    /// They get no new requests, and end when routers know that.
    case drain([ReplicaID])
    /// It is gone from the place.
    case forget(ReplicaID)
    /// Requests are divided like this from now on.
    case route([Share])
    case rollout(RolloutChange)
    case report(StatusReport)
    /// Nothing of a deleted deployment is left.
    case endDeletion

    // Done at the place, beside everything else. Each may be done twice.
    case prepare(revision: Int)
    case start(ReplicaID)
    case stop(ReplicaID, grace: Duration)
    case remove(ReplicaID)

    /// What of the place's work it is.
    var work: PlaceWork? {
        switch self {
        case .prepare(let revision): .prepare(revision: revision)
        case .start(let id): .start(id)
        case .stop(let id, _): .stop(id)
        case .remove(let id): .remove(id)
        default: nil
        }
    }
}

/// A moment in the doing of a step.
struct ControlPoint: Sendable {
    var step: ControlStep
    var isDone: Bool
}
