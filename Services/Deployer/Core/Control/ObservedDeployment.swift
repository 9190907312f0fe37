internal import DeployerTargets

/// A replica's row: what was decided about it.
struct ReplicaRow: Equatable, Sendable {
    /// Where each state can go: pending → starting → ready; any of them → failed or draining; failed → pending under another
    /// id; draining → gone. An id never comes back from failed and draining: whoever stops such a replica late does what
    /// was decided.
    enum State: Int16, Sendable {
        case pending = 1
        case starting = 2
        case ready = 3
        case draining = 4
        case failed = 5
    }

    var id: ReplicaID
    var revision: Int
    var state: State = .pending
    /// How often in a row it was begun again.
    var restarts = 0
    /// When a failed one may be begun again.
    var nextAttempt: Moment?
    var message = ""
    var startedAt: Moment?
    var readyAt: Moment?
    var drainingAt: Moment?
}

/// A replica at its place.
struct PlacedReplica: Equatable, Sendable {
    enum State: Equatable, Sendable {
        /// It exists, and has not ended.
        case alive
        /// It ended, and what there is to say about that.
        case ended(String)
    }

    var state: State
    var revision: Int
    var address: String?
}

/// What a replica answered at `/readyz`.
struct ReplicaAnswers: Equatable, Sendable {
    /// Whether the last answer was that it is ready.
    var isReady = false
    /// How many in a row were missing or said otherwise.
    var failures = 0
    /// Why, the last time.
    var message = ""
}

/// Something done at the place, which takes its time.
enum PlaceWork: Hashable, Sendable {
    case prepare(revision: Int)
    case start(ReplicaID)
    case stop(ReplicaID)
    case remove(ReplicaID)
}

/// What a deployment is made of at the moment.
struct ObservedDeployment: Equatable, Sendable {
    enum Place: Equatable, Sendable {
        /// Nobody looked since something was done there.
        case unseen
        case unreachable(String)
        /// Everything of this deployment that it knows.
        case seen([ReplicaID: PlacedReplica])
    }

    enum Preparation: Equatable, Sendable {
        case done
        /// Tried again at that time.
        case failed(String, again: Moment)
    }

    var now: Moment
    var rows: [ReplicaRow] = []
    var place: Place = .unseen
    var answers: [ReplicaID: ReplicaAnswers] = [:]
    /// By revision; none where nobody tried since this deployer looks after it.
    var preparations: [Int: Preparation] = [:]
    /// Orders that were refused.
    var refusals: [ReplicaID: TargetError] = [:]
    /// What is under way at the place.
    var busy: Set<PlaceWork> = []
    /// What is left of the place; nil where that is not limited. `replicas` is how many more.
    var room: PlaceRoom?
    /// How routers were told to divide requests; nil where they were told nothing.
    var routed: [Share]?
    /// What the rollout's new revision answered since its step began.
    var sample: RevisionSample?
    /// What is written.
    var status: StatusReport?

    func ready(_ revision: Int) -> Int { rows.count { $0.revision == revision && $0.state == .ready } }
}

/// What is left of a place. Nil is no limit.
struct PlaceRoom: Equatable, Sendable {
    var cpuMillis: Int64?
    var memoryBytes: Int64?
    var gpus: Int?
    var replicas: Int?

    /// What is missing for these, in words; nil where they fit.
    func shortage(of needs: ReplicaNeeds) -> String? {
        if let replicas, replicas < 1 { return "it runs as many replicas as it may" }
        if let cpuMillis, cpuMillis < needs.cpuMillis {
            return "\(needs.cpuMillis) thousandths of a core are needed, and \(max(0, cpuMillis)) are left"
        }
        if let memoryBytes, memoryBytes < needs.memoryBytes {
            return "\(needs.memoryBytes) bytes of memory are needed, and \(max(0, memoryBytes)) are left"
        }
        if let gpus, gpus < needs.gpus { return "\(needs.gpus) GPUs are needed, and \(max(0, gpus)) are left" }
        return nil
    }
}
