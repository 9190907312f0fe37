internal import Access
internal import Contracts
internal import DeployerTargets
internal import Postgres
internal import Protobuf

/// A deployment as the tables have it, for control.
struct ControlRecord: Sendable {
    /// Beside the values that the plan goes by.
    struct Replica: Sendable {
        var sealedKey: [UInt8]
        var address: String
    }

    /// Beside the values that the plan goes by.
    struct Revision: Sendable {
        var imageName: String
        var digest: [UInt8]
        var settings: V1.ReplicaSettings
    }

    var id: Int64
    var workspace: Workspace
    var name: String
    var target: Int64
    var principal: PostgresUUID
    var desired: DesiredDeployment
    var goals: ScalingGoals
    var rows: [ReplicaRow] = []
    var replicas: [ReplicaID: Replica] = [:]
    var revisions: [Int: Revision] = [:]
    var routed: [Share]
    var status: V1.DeploymentStatus
    var report: StatusReport?
    /// The row of the rollout under way.
    var rollout: Int64?
    var baseline: RolloutBaseline?
    /// What routers counted, by router and revision.
    var counters: [CounterKey: CounterReading] = [:]
    /// When it was read.
    var now: Moment

    /// Slots of a replica of the revision with most of the requests.
    var slots: Int {
        let main = desired.targetShares.max { ($0.percent, $0.revision) < ($1.percent, $1.revision) }?.revision
        return max(1, Int(revisions[main ?? desired.newest]?.settings.concurrency ?? 1))
    }

    var ready: Int { rows.count { $0.state == .ready } }

    /// What routers counted of a revision, each since it began.
    func counters(of revision: Int) -> [String: RolloutBaseline.Counters] {
        var result: [String: RolloutBaseline.Counters] = [:]
        for (key, reading) in counters where key.revision == revision {
            result[key.router] = .init(
                requests: reading.requests, failures: reading.failures, latencies: reading.latencies)
        }
        return result
    }
}

extension ScalingGoals {
    /// - Parameter message: complete, as the tables have it.
    init(_ message: V1.Scaling) {
        self.init()
        minimum = Int(message.minimum ?? 1)
        maximum = message.maximum > 0 ? Int(message.maximum) : 10
        switch message.measure {
        case .concurrency: measure = .concurrency
        case .rate: measure = .rate
        default: measure = .utilisation
        }
        let usual = measure == .utilisation ? 0.7 : measure == .concurrency ? 1 : 10
        goal = message.goal > 0 ? message.goal : usual
        refresh = message.refresh.map(Swift.Duration.init) ?? .seconds(1)
        downAfter = message.downAfter.map(Swift.Duration.init) ?? .seconds(60)
        upAfter = message.upAfter.map(Swift.Duration.init) ?? .zero
        zeroAfter = message.zeroAfter.map(Swift.Duration.init) ?? .seconds(300)
    }
}

extension RolloutRules {
    /// - Parameter message: complete, as the tables have it.
    init(_ message: V1.RolloutPlan) {
        self.init()
        switch message.strategy {
        case .canary: strategy = .canary
        case .linear: strategy = .linear
        case .blueGreen: strategy = .blueGreen
        default: strategy = .allAtOnce
        }
        step = message.stepPercent > 0 ? Int(message.stepPercent) : 10
        bake = message.bake.map(Swift.Duration.init) ?? .seconds(60)
        gates = message.gates.compactMap { gate in
            let measure: Gate.Measure? =
                switch gate.measure {
                case .errorRate: .errorRate
                case .latencyP50Ms: .latencyP50
                case .latencyP99Ms: .latencyP99
                default: nil
                }
            return measure.map {
                Gate(measure: $0, maximum: gate.maximum, requests: gate.requests > 0 ? Int(gate.requests) : 20)
            }
        }
    }
}

extension DesiredRevision {
    init(number: Int, stage: String, message: String, settings: V1.ReplicaSettings) {
        let image: Image =
            switch stage {
            case "ready": .here
            case "failed": .missing(message)
            default: .coming(message.isEmpty ? "the image is \(stage == "building" ? "built" : "brought")" : message)
            }
        self.init(number: number, image: image)
        needs = ReplicaNeeds(
            cpuMillis: Int64(settings.cpuMillis), memoryBytes: settings.memoryBytes, gpus: Int(settings.gpus))
        startTimeout = settings.startTimeout.map(Swift.Duration.init) ?? .seconds(310)
        grace = settings.timeout.map(Swift.Duration.init) ?? .seconds(60)
        failures = settings.liveness.map { $0.failures > 0 ? Int($0.failures) : 3 } ?? 3
    }
}

extension StatusReport {
    /// What was written before, as far as it is compared.
    init(_ status: V1.DeploymentStatus, state: Int16, generation: Int64) {
        self.state = State(rawValue: state) ?? .deploying
        conditions = status.conditions.map {
            Condition(type: $0.type, holds: $0.holds, reason: $0.reason, message: $0.message)
        }
        wanted = Int(status.wanted)
        ready = Int(status.ready)
        self.generation = generation
    }

    /// As callers see it. A condition keeps its time as long as it says the same.
    func message(after before: V1.DeploymentStatus, at now: Moment) -> V1.DeploymentStatus {
        var message = V1.DeploymentStatus()
        message.state = .init(rawValue: Int32(state.rawValue))
        message.wanted = Int32(clamping: wanted)
        message.ready = Int32(clamping: ready)
        message.generation = generation
        message.conditions = conditions.map { condition in
            let same = before.conditions.first {
                $0.type == condition.type && $0.holds == condition.holds && $0.reason == condition.reason
            }
            let since = same?.since ?? Google.Protobuf.Timestamp(PostgresTimestamp(microseconds: now.microseconds))
            return V1.Condition(
                type: condition.type, holds: condition.holds, reason: condition.reason, message: condition.message,
                since: since)
        }
        return message
    }
}
