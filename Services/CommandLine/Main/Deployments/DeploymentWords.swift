import CommandLineKit
import Contracts
import Protobuf

/// What the contract's numbers are called on the command line.
enum DeploymentWords {
    typealias V1 = Slipway.Deployments.V1

    static let states: [(name: String, value: V1.DeploymentStatus.State)] = [
        ("deploying", .deploying), ("healthy", .healthy), ("degraded", .degraded), ("failed", .failed),
        ("asleep", .asleep), ("deleting", .deleting),
    ]
    static let replicaStates: [(name: String, value: V1.Replica.State)] = [
        ("pending", .pending), ("starting", .starting), ("ready", .ready), ("draining", .draining),
        ("failed", .failed),
    ]
    static let measures: [(name: String, value: V1.Scaling.Measure)] = [
        ("utilisation", .utilisation), ("concurrency", .concurrency), ("rate", .rate),
    ]
    static let authentications: [(name: String, value: V1.Security.Authentication)] = [
        ("keys", .keys), ("tokens", .tokens), ("none", .none),
    ]
    static let strategies: [(name: String, value: V1.RolloutPlan.Strategy)] = [
        ("all at once", .allAtOnce), ("canary", .canary), ("linear", .linear), ("blue/green", .blueGreen),
    ]
    static let rolloutStates: [(name: String, value: V1.Rollout.State)] = [
        ("preparing", .preparing), ("baking", .baking), ("done", .done), ("rolled back", .rolledBack),
        ("replaced", .replaced),
    ]

    static func value<Value>(_ name: String?, in words: [(name: String, value: Value)]) -> Value? {
        words.first { $0.name == name }?.value
    }

    /// - Returns: `unknown` for what a newer service may say.
    static func name<Value: Equatable>(_ value: Value?, in words: [(name: String, value: Value)]) -> String {
        words.first { $0.value == value }?.name ?? "unknown"
    }

    /// A length of time as details show it: `500 ms`, `45s`, `3m 20s`.
    static func span(_ duration: Google.Protobuf.Duration?) -> String {
        guard let duration else { return "" }
        let thousandths = duration.seconds * 1000 + Int64(duration.nanos) / 1_000_000
        guard thousandths % 1000 != 0 else { return Amounts.span(Int(duration.seconds)) }
        return "\(thousandths) ms"
    }
}
