/// How a new revision takes over, with every default filled in.
struct RolloutRules: Hashable, Sendable {
    enum Strategy: Hashable, Sendable {
        case allAtOnce
        case canary
        case linear
        case blueGreen
    }

    struct Gate: Hashable, Sendable {
        enum Measure: Hashable, Sendable {
            case errorRate
            case latencyP50
            case latencyP99
        }

        var measure: Measure
        var maximum: Double
        /// Only with so many requests to judge by.
        var requests = 20
    }

    var strategy: Strategy = .allAtOnce
    /// From 1 to 100.
    var step = 10
    var bake: Duration = .seconds(60)
    var gates: [Gate] = []

    /// The share that comes after this one.
    func share(after percent: Int) -> Int {
        switch strategy {
        case .allAtOnce, .blueGreen: 100
        case .canary: percent < step ? step : 100
        case .linear: min(100, percent + max(1, step))
        }
    }

    /// Whether the new revision is still watched once it has everything.
    var bakesWhole: Bool { strategy == .blueGreen || !gates.isEmpty }
}

/// Where a rollout is.
struct RolloutState: Equatable, Sendable {
    /// preparing → baking → preparing (for the next share) → … → done; each of the open two → rolled back or replaced.
    enum Phase: Int16, Sendable {
        case preparing = 1
        case baking = 2
        case done = 3
        case rolledBack = 4
        case replaced = 5

        var isOpen: Bool { self == .preparing || self == .baking }
    }

    var from: Int
    var to: Int
    var rules: RolloutRules
    var phase: Phase = .preparing
    var percent = 0
    var message = ""
    /// Since when the present share is watched; nil before the rollout was taken up.
    var stepSince: Moment?
    /// How requests were divided before; nil before it was taken up.
    var base: [Share]?

    /// The share for which replicas are made ready.
    var aim: Int { percent >= 100 ? 100 : rules.share(after: percent) }
}

/// What becomes of a rollout, in one transaction with the shares.
struct RolloutChange: Equatable, Sendable {
    var phase: RolloutState.Phase
    var percent: Int
    var message: String
    /// How requests are to be divided from now on; nil where that stays.
    var shares: [Share]?
    /// How they were divided before the rollout; given once.
    var base: [Share]?
    /// Whether the watch begins anew: from now on, and from what is counted by now.
    var beginsStep = false
}
