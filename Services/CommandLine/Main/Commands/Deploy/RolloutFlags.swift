import CommandLineKit
import Contracts
import Protobuf

/// How a new revision takes over, by the flags.
enum RolloutFlags {
    typealias Plan = Slipway.Deployments.V1.RolloutPlan

    static let canary = Flag.integer(
        "canary", "PERCENT", in: 1...99, "gives the new revision this share first, then all")
    static let linear = Flag.integer("linear", "PERCENT", in: 1...99, "gives it this share more with each step")
    static let blueGreen = Flag.switch(
        "blue-green", "gives it all when as many replicas are ready as the old one has, which stays for a while")
    static let bake = Flag.brief("bake", "how long each step is watched (60s)")
    static let gates = Flag.list(
        "gate", "MEASURE=LIMIT", "what must hold meanwhile, or it goes back: error-rate=0.01, p99=200ms, p50=20ms"
    ) { GateText.gate($0) == nil ? GateText.wanted : nil }
    static let gateRequests = Flag.integer(
        "gate-requests", "COUNT", in: 1...1_000_000, "gates judge only so many requests or more (20)")

    static let all = [
        canary.specification, linear.specification, blueGreen.specification, bake.specification,
        gates.specification, gateRequests.specification,
    ]

    /// - Returns: nil where nothing is said.
    /// - Throws: `UsageError` where the flags say one thing and another.
    static func plan(_ values: Values, _ path: String) throws -> Plan? {
        let isBlueGreen = values[blueGreen]
        let ways = [values[canary] != nil, values[linear] != nil, isBlueGreen]
        guard ways.count(where: { $0 }) <= 1 else {
            throw UsageError("--canary, --linear, --blue-green: one of them", path: path)
        }
        var plan = Plan()
        if let percent = values[canary] {
            plan.strategy = .canary
            plan.stepPercent = Int32(percent)
        } else if let percent = values[linear] {
            plan.strategy = .linear
            plan.stepPercent = Int32(percent)
        } else if isBlueGreen {
            plan.strategy = .blueGreen
        }
        plan.bake = values[bake].map { .init($0) }
        plan.gates = values[gates].compactMap(GateText.gate)
        guard plan.gates.count <= 10 else { throw UsageError("at most 10 gates", path: path) }
        if let requests = values[gateRequests] {
            guard !plan.gates.isEmpty else { throw UsageError("--gate-requests goes with --gate", path: path) }
            for index in plan.gates.indices { plan.gates[index].requests = Int32(requests) }
        }
        guard plan.strategy != .unspecified || (plan.bake == nil && plan.gates.isEmpty) else {
            throw UsageError(
                "--bake and --gate watch a step: say --canary PERCENT, --linear PERCENT or --blue-green", path: path)
        }
        return plan == Plan() ? nil : plan
    }
}

/// Gates as people write them: `error-rate=0.01`, `error-rate=1%`, `p99=200ms`.
enum GateText {
    static let wanted = "error-rate=0.01, error-rate=1%, p99=200ms or p50=20ms"

    /// - Returns: nil for anything else.
    static func gate(_ text: String) -> Slipway.Deployments.V1.Gate? {
        guard let pair = Pair(text) else { return nil }
        switch pair.key {
        case "error-rate":
            let isPercent = pair.value.hasSuffix("%")
            guard let number = Double(isPercent ? String(pair.value.dropLast()) : pair.value) else { return nil }
            let share = isPercent ? number / 100 : number
            return (0...1).contains(share) ? .init(measure: .errorRate, maximum: share) : nil
        case "p50", "p99":
            guard let limit = milliseconds(pair.value), limit > 0, limit.isFinite else { return nil }
            return .init(measure: pair.key == "p50" ? .latencyP50Ms : .latencyP99Ms, maximum: limit)
        default: return nil
        }
    }

    private static func milliseconds(_ text: String) -> Double? {
        if text.hasSuffix("ms") { return Double(text.dropLast(2)) }
        if text.hasSuffix("s") { return Double(text.dropLast()).map { $0 * 1000 } }
        return Double(text)
    }

    static func text(_ gate: Slipway.Deployments.V1.Gate) -> String {
        switch gate.measure {
        case .errorRate: "error-rate=\(Amounts.decimal(gate.maximum))"
        case .latencyP50Ms: "p50=\(Amounts.decimal(gate.maximum))ms"
        case .latencyP99Ms: "p99=\(Amounts.decimal(gate.maximum))ms"
        default: ""
        }
    }
}
