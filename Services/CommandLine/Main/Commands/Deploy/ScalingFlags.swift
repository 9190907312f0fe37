import CommandLineKit
import Contracts
import Protobuf

/// How many replicas there are to be, by the flags.
enum ScalingFlags {
    typealias Scaling = Slipway.Deployments.V1.Scaling

    static let replicas = Flag.integer("replicas", "COUNT", in: 0...10_000, "so many, always")
    static let minimum = Flag.integer("min", "COUNT", in: 0...10_000, "at least so many; 0 lets it sleep (1)")
    static let maximum = Flag.integer("max", "COUNT", in: 1...10_000, "at most so many (10)")
    static let measure = Flag.choice(
        "scale-on", DeploymentWords.measures.map(\.name), "what is looked at to decide (utilisation)")
    static let goal = Flag.number(
        "goal", "NUMBER", in: 0.001...1e9, "what it is to be: 0.7 of the slots, or requests for each replica")
    static let refresh = Flag.brief("refresh", "how often it is looked (1s)")
    static let downAfter = Flag.brief("down-after", "fewer only when so few were enough for so long (60s)")
    static let upAfter = Flag.brief("up-after", "more only when so many were needed for so long (at once)")
    static let zeroAfter = Flag.brief("zero-after", "none only when nobody asked for so long (5m)")

    static let all = [
        replicas.specification, minimum.specification, maximum.specification, measure.specification,
        goal.specification, refresh.specification, downAfter.specification, upAfter.specification,
        zeroAfter.specification,
    ]

    /// What is said, on top of what there is.
    /// - Returns: nil where nothing is said.
    /// - Throws: `UsageError` where the flags say one thing and another.
    static func scaling(_ values: Values, on before: Scaling = Scaling(), _ path: String) throws -> Scaling? {
        guard all.contains(where: { values.has($0) }) else { return nil }
        var scaling = before
        if let replicas = values[replicas] {
            guard values[minimum] == nil, values[maximum] == nil else {
                throw UsageError("--replicas says both --min and --max: leave them out", path: path)
            }
            scaling.minimum = Int32(replicas)
            scaling.maximum = Int32(max(1, replicas))
        }
        if let minimum = values[minimum] {
            scaling.minimum = Int32(minimum)
            // What was never said gives way.
            if values[maximum] == nil, scaling.maximum != 0 || minimum > 10 {
                scaling.maximum = max(scaling.maximum, Int32(minimum))
            }
        }
        if let maximum = values[maximum] { scaling.maximum = Int32(maximum) }
        let least = scaling.minimum ?? 1
        let most = scaling.maximum == 0 ? 10 : scaling.maximum
        guard least <= most else {
            throw UsageError("at least \(least) and at most \(most) replicas can't be: say --min too", path: path)
        }
        if let name = values[measure] {
            let measure = DeploymentWords.value(name, in: DeploymentWords.measures) ?? .unspecified
            // A goal is one of its measure.
            if measure != scaling.measure { scaling.goal = 0 }
            scaling.measure = measure
        }
        if let goal = values[goal] { scaling.goal = goal }
        let isShare = scaling.measure == .utilisation || scaling.measure == .unspecified
        guard !isShare || scaling.goal <= 1 else {
            throw UsageError(
                "--goal \(Amounts.decimal(scaling.goal)): utilisation is a share of the slots, such as 0.7; "
                    + "--scale-on concurrency or rate count requests", path: path)
        }
        if let refresh = values[refresh] { scaling.refresh = .init(refresh) }
        if let downAfter = values[downAfter] { scaling.downAfter = .init(downAfter) }
        if let upAfter = values[upAfter] { scaling.upAfter = .init(upAfter) }
        if let zeroAfter = values[zeroAfter] { scaling.zeroAfter = .init(zeroAfter) }
        return scaling
    }
}
