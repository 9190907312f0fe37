package import Contracts
internal import Protobuf
package import ResourceKit

/// How a revision may take over, and what is meant where nobody said anything.
package enum PlanRules {
    package static let gatesMax = 10

    /// The plan with everything filled in.
    package static func complete(_ given: V1.RolloutPlan?, _ violations: inout FieldViolations) -> V1.RolloutPlan {
        var plan = given ?? .init()
        switch plan.strategy {
        case .unspecified: plan.strategy = .allAtOnce
        case .allAtOnce, .canary, .linear, .blueGreen: break
        default: violations.add("plan.strategy", "\(plan.strategy) is not known")
        }
        if plan.stepPercent == 0 { plan.stepPercent = 10 }
        if !(1...100).contains(plan.stepPercent) { violations.add("plan.step_percent", "it is 1 to 100") }
        plan.bake = violations.checked(
            plan.bake, "plan.bake", in: .zero...(.seconds(7 * 86_400)), usually: .seconds(60))
        if plan.gates.count > gatesMax {
            violations.add("plan.gates", "there are \(plan.gates.count); \(gatesMax) at most")
        }
        for index in plan.gates.indices.prefix(gatesMax) {
            check(&plan.gates[index], "plan.gates[\(index)]", &violations)
        }
        return plan
    }

    private static func check(_ gate: inout V1.Gate, _ field: String, _ violations: inout FieldViolations) {
        switch gate.measure {
        case .errorRate:
            if !(0...1).contains(gate.maximum) { violations.add("\(field).maximum", "an error rate is 0 to 1") }
        case .latencyP50Ms, .latencyP99Ms:
            if !(gate.maximum > 0 && gate.maximum.isFinite) {
                violations.add("\(field).maximum", "milliseconds, and more than none")
            }
        default: violations.add("\(field).measure", "say what is looked at: ERROR_RATE, LATENCY_P50_MS, LATENCY_P99_MS")
        }
        if gate.requests == 0 { gate.requests = 20 }
        if !(1...1_000_000_000).contains(gate.requests) {
            violations.add("\(field).requests", "it is 1 to 1,000,000,000, or 0 for 20")
        }
    }
}
