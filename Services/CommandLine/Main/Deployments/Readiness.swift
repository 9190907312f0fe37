import CommandLineKit
import Contracts

/// When what was asked for is there.
struct Readiness: Sendable, Equatable {
    typealias Deployment = Slipway.Deployments.V1.Deployment

    enum Standing: Equatable {
        /// Not yet.
        case waiting
        case ready
        /// It will not be, for this reason.
        case failed(String)
    }

    /// The status must be about this generation or a later one.
    var generation: Int64 = 0
    /// The revision that is to have requests; 0 where any will do.
    var revision: Int32 = 0

    func standing(of deployment: Deployment) -> Standing {
        guard let status = deployment.status else { return .waiting }
        if status.state == .deleting { return .failed("it is being deleted") }
        guard status.generation >= generation else { return .waiting }
        if let rollout = status.rollout, revision == 0 || rollout.to >= revision {
            switch rollout.state {
            case .preparing, .baking: return .waiting
            case .rolledBack: return .failed(Readiness.rolledBack(rollout.to, rollout.message, rollout.from))
            case .replaced where rollout.to == revision: return .failed("another change took its place")
            default: break
            }
        }
        switch status.state {
        case .healthy, .asleep: return serves(deployment)
        case .failed: return .failed(Readiness.reason(status))
        default: return .waiting
        }
    }

    /// Whether the revision that was asked for has requests, and not only the one before.
    private func serves(_ deployment: Deployment) -> Standing {
        let serving = deployment.traffic.filter { $0.percent > 0 }.map(\.revision)
        guard revision != 0, !serving.isEmpty, !serving.contains(revision) else { return .ready }
        if let later = serving.max(), later > revision { return .failed("revision \(later) took its place") }
        // A rollout that is over is told of by its condition alone.
        let unhealthy = deployment.status?.conditions.first { $0.type == "RolloutHealthy" && $0.holds == false }
        guard let unhealthy else { return .waiting }
        return .failed(Readiness.rolledBack(revision, unhealthy.message, serving.first ?? 0))
    }

    private static func rolledBack(_ revision: Int32, _ message: String, _ serving: Int32) -> String {
        let back = serving == 0 ? "" : "\nrevision \(serving) serves as before"
        return "revision \(revision) was rolled back: \(message)\(back)"
    }

    /// What does not hold, for people.
    static func reason(_ status: Slipway.Deployments.V1.DeploymentStatus) -> String {
        let found = unmet(status)
        return found.isEmpty ? "it does not answer, and nothing more is said" : found.joined(separator: "\n")
    }

    /// The same, where there may be nothing of it.
    static func unmet(_ status: Slipway.Deployments.V1.DeploymentStatus) -> [String] {
        let unmet = status.conditions.filter { $0.holds == false && !($0.message.isEmpty && $0.reason.isEmpty) }
        // `Ready` says in short what the others say in detail.
        let detailed = unmet.filter { $0.type != "Ready" }
        return (detailed.isEmpty ? unmet : detailed).map { condition in
            condition.message.isEmpty ? condition.reason : condition.message
        }
    }

    /// How far it is, for a line of progress.
    static func line(_ deployment: Deployment, seconds: Int) -> ActivityLine {
        let status = deployment.status ?? .init()
        var step = "\(status.ready) of \(Amounts.count(Int(status.wanted), "replica")) ready"
        var fraction: Double?
        if let rollout = status.rollout, rollout.state == .preparing || rollout.state == .baking {
            let state = DeploymentWords.name(rollout.state, in: DeploymentWords.rolloutStates)
            step = "revision \(rollout.to) \(state), \(rollout.percent) % of the requests; \(step)"
            fraction = Double(rollout.percent) / 100
        }
        let pending = status.conditions.first { $0.holds != true && !$0.message.isEmpty }
        return ActivityLine(
            label: "deploying", fraction: fraction, step: step, message: pending?.message ?? "", seconds: seconds)
    }
}
