import CommandLineKit
import Contracts

/// Targets as people read them.
enum TargetText {
    typealias Target = Slipway.Targets.V1.Target
    typealias Capacity = Slipway.Targets.V1.Capacity

    static func place(_ place: Slipway.Targets.V1.TargetPlace?) -> String {
        switch place?.kind {
        case .process: "processes of the deployer's machine"
        case .docker(let docker): "docker at \(docker.address)"
        case nil: "unknown"
        }
    }

    static func table(_ targets: [Target], _ session: Session) -> String {
        var table = Table([
            .init("NAME"), .init("ANSWERS"), .init("CPU", .right), .init("MEMORY", .right), .init("REPLICAS", .right),
            .init("PLACE", shrinksTo: 12), .init("CHECKED"), .init("MESSAGE", shrinksTo: 12),
        ])
        for target in targets {
            table.add([
                target.name, target.reachable ? "yes" : "no", cores(target.promised, target.total),
                memory(target.promised, target.total), replicas(target.promised, target.total), place(target.place),
                session.relative(target.checkedAt), target.message,
            ])
        }
        return session.text(table, whenEmpty: "there is no target")
    }

    static func details(_ target: Target, _ session: Session) -> String {
        var facts = Facts()
        facts.add("name", target.name)
        facts.add("description", target.description)
        facts.add("place", place(target.place))
        if case .docker(let docker)? = target.place?.kind { facts.add("network", docker.network) }
        facts.add("answers", target.reachable ? "yes" : "no")
        facts.add("message", target.message)
        facts.add("is", target.version)
        facts.add("cpu", cores(target.promised, target.total))
        facts.add("memory", memory(target.promised, target.total))
        facts.add("replicas", replicas(target.promised, target.total))
        facts.add("checked", session.exact(target.checkedAt))
        facts.add("attached", "\(session.exact(target.attachedAt)) by \(target.attachedBy)")
        return session.text(facts)
    }

    /// What is promised of what there is.
    private static func cores(_ promised: Capacity?, _ total: Capacity?) -> String {
        let used = Amounts.decimal(Double(promised?.cpuMillis ?? 0) / 1000)
        let all = total?.cpuMillis ?? 0
        return all == 0 ? used : "\(used) of \(Amounts.decimal(Double(all) / 1000))"
    }

    private static func memory(_ promised: Capacity?, _ total: Capacity?) -> String {
        let used = Amounts.bytes(promised?.memoryBytes ?? 0)
        let all = total?.memoryBytes ?? 0
        return all == 0 ? used : "\(used) of \(Amounts.bytes(all))"
    }

    private static func replicas(_ promised: Capacity?, _ total: Capacity?) -> String {
        let all = total?.replicas ?? 0
        return all == 0 ? "\(promised?.replicas ?? 0)" : "\(promised?.replicas ?? 0) of \(all)"
    }
}
