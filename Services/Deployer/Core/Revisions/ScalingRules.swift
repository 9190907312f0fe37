package import Contracts
internal import Protobuf
package import ResourceKit

/// How many replicas may be asked for, and what is meant where nobody said anything.
package enum ScalingRules {
    package static let maximum: Int32 = 10

    /// The scaling with everything filled in.
    /// - Parameter cap: the service's own limit.
    package static func complete(
        _ given: V1.Scaling?, cap: Int32, _ violations: inout FieldViolations
    ) -> V1.Scaling {
        var scaling = given ?? .init()
        let minimum = scaling.minimum ?? 1
        if minimum < 0 || minimum > cap { violations.add("scaling.minimum", "it is 0 to \(cap)") }
        if scaling.maximum == 0 { scaling.maximum = min(cap, Self.maximum) }
        if scaling.maximum < 1 || scaling.maximum > cap {
            violations.add("scaling.maximum", "it is 1 to \(cap), the deployer's setting `limits.replicas`")
        } else if minimum > scaling.maximum {
            violations.add("scaling.minimum", "\(minimum) is over the maximum, \(scaling.maximum)")
        }
        scaling.minimum = minimum
        switch scaling.measure {
        case .unspecified, .utilisation:
            scaling.measure = .utilisation
            goal(&scaling, usually: 0.7, most: 1, &violations)
        case .concurrency: goal(&scaling, usually: 1, most: 1_000_000, &violations)
        case .rate: goal(&scaling, usually: 10, most: 10_000_000, &violations)
        default: violations.add("scaling.measure", "\(scaling.measure) is not known")
        }
        let day = Swift.Duration.seconds(86_400)
        scaling.refresh = violations.checked(
            scaling.refresh, "scaling.refresh", in: .milliseconds(100)...(.seconds(3600)), usually: .seconds(1))
        scaling.downAfter = violations.checked(
            scaling.downAfter, "scaling.down_after", in: .zero...day, usually: .seconds(60))
        scaling.upAfter = violations.checked(scaling.upAfter, "scaling.up_after", in: .zero...day, usually: .zero)
        scaling.zeroAfter = violations.checked(
            scaling.zeroAfter, "scaling.zero_after", in: .zero...day, usually: .seconds(300))
        return scaling
    }

    private static func goal(
        _ scaling: inout V1.Scaling, usually usual: Double, most: Double, _ violations: inout FieldViolations
    ) {
        if scaling.goal == 0 { scaling.goal = usual }
        if !(scaling.goal > 0 && scaling.goal <= most) {
            violations.add("scaling.goal", "it is over 0 and up to \(most) for \(scaling.measure)")
        }
    }
}
