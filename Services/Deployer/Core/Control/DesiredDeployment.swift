internal import DeployerTargets

/// What somebody wants of a deployment, and what scaling and rollouts made of it.
struct DesiredDeployment: Equatable, Sendable {
    var generation: Int64 = 1
    /// Nothing of it is to be left.
    var isDeleting = false
    /// The last one that was made; 0 where there is none.
    var newest: Int
    /// Those that a share, a rollout or a replica names.
    var revisions: [DesiredRevision]
    /// How requests are to be divided; empty before anything served.
    var shares: [Share]
    /// How many replicas the demand asks for, all revisions together.
    var scaled: Int
    /// The one under way.
    var rollout: RolloutState?
    /// The last that ended.
    var lastRollout: RolloutState?

    func revision(_ number: Int) -> DesiredRevision? { revisions.first { $0.number == number } }

    /// A rollout needs replicas to look at, whether anybody asks or not.
    var count: Int { max(scaled, rollout == nil ? 0 : 1) }

    /// Where requests are to go. A deployment that never served and has no rollout serves its newest revision.
    var targetShares: [Share] {
        if isDeleting { return [] }
        let given = shares.normal
        if !given.isEmpty || rollout != nil || newest == 0 { return given }
        return [Share(revision: newest, percent: 100)]
    }
}

/// What a revision says about its replicas.
struct DesiredRevision: Equatable, Sendable {
    enum Image: Equatable, Sendable {
        /// It is being built or brought: a sentence on how far.
        case coming(String)
        /// Its bytes are here.
        case here
        /// It can't be had, and why.
        case missing(String)
    }

    var number: Int
    var image: Image = .here
    var needs = ReplicaNeeds()
    /// How long a replica may take until it is ready.
    var startTimeout: Duration = .seconds(310)
    /// How long requests may go on in a replica that is to end.
    var grace: Duration = .seconds(60)
    /// So many missing answers in a row end a replica.
    var failures = 3
}
