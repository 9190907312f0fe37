import CommandLineKit
import Contracts

/// Deployments as people read them.
enum DeploymentText {
    typealias V1 = Slipway.Deployments.V1

    static func state(_ deployment: V1.Deployment) -> String {
        DeploymentWords.name(deployment.status?.state, in: DeploymentWords.states)
    }

    /// `3: 90 %, 4: 10 %`; `3` where one has all.
    static func traffic(_ shares: [V1.TrafficShare]) -> String {
        if shares.count == 1, shares[0].percent == 100 { return "\(shares[0].revision)" }
        return shares.map { "\($0.revision): \($0.percent) %" }.joined(separator: ", ")
    }

    static func ready(_ status: V1.DeploymentStatus?) -> String {
        status.map { "\($0.ready)/\($0.wanted)" } ?? ""
    }

    static func table(_ deployments: [V1.Deployment], _ session: Session) -> String {
        var table = Table([
            .init("NAME", shrinksTo: 12), .init("STATE"), .init("READY", .right), .init("REVISION"),
            .init("TARGET"), .init("ADDRESS", shrinksTo: 16), .init("TAGS", shrinksTo: 8), .init("CHANGED"),
        ])
        for deployment in deployments {
            table.add([
                deployment.name, state(deployment), ready(deployment.status), traffic(deployment.traffic),
                deployment.target, deployment.status?.addresses.first ?? "", Shared.shown(deployment.tags),
                session.relative(deployment.updatedAt),
            ])
        }
        return session.text(table, whenEmpty: "there is no deployment of the kind")
    }

    static func section(_ title: String, _ text: String, _ session: Session) -> String {
        text.isEmpty ? "" : "\n\(session.terminal.bold(title))\n\(text)"
    }

    static func details(
        _ deployment: V1.Deployment, _ revisions: [V1.Revision], _ history: [V1.HistoryEntry], _ session: Session
    ) -> String {
        var facts = Facts()
        facts.add("name", deployment.name)
        facts.add("description", deployment.description)
        facts.add("state", "\(state(deployment)), \(ready(deployment.status)) replicas ready")
        for (index, address) in (deployment.status?.addresses ?? []).enumerated() {
            facts.add(index == 0 ? "address" : "", address)
        }
        facts.add("target", deployment.target)
        facts.add("scaling", scaling(deployment.scaling))
        facts.add("callers", security(deployment.security, session))
        facts.add("tags", deployment.tags)
        facts.add("made", "\(session.exact(deployment.createdAt)) by \(deployment.createdBy)")
        facts.add("changed", session.exact(deployment.updatedAt))
        var text = session.text(facts)
        text += rollout(deployment.status?.rollout, session)
        text += self.revisions(revisions, deployment.traffic, session)
        text += replicas(revisions.flatMap(\.replicas), session)
        text += conditions(deployment.status?.conditions ?? [], session)
        if !history.isEmpty { text += section("LAST EVENTS", self.history(history, session), session) }
        return text
    }

    static func scaling(_ scaling: V1.Scaling?) -> String {
        let scaling = scaling ?? .init()
        let least = scaling.minimum ?? 1
        let most = scaling.maximum == 0 ? 10 : scaling.maximum
        if least == most { return "always \(Amounts.count(Int(least), "replica"))" }
        let goal =
            switch scaling.measure {
            case .concurrency: "\(Amounts.decimal(scaling.goal == 0 ? 1 : scaling.goal)) requests for each at once"
            case .rate: "\(Amounts.decimal(scaling.goal == 0 ? 10 : scaling.goal)) requests a second for each"
            default: "\(percent(scaling.goal == 0 ? 0.7 : scaling.goal)) of the slots busy"
            }
        return "\(least) to \(most) replicas, \(goal)"
    }

    static func percent(_ share: Double) -> String {
        let tenths = (share * 1000).rounded() / 10
        return "\(Amounts.decimal(tenths)) %"
    }

    private static func security(_ security: V1.Security?, _ session: Session) -> String {
        let security = security ?? .init()
        var parts = [
            security.authentication == .unspecified
                ? "keys" : DeploymentWords.name(security.authentication, in: DeploymentWords.authentications)
        ]
        if parts[0] == "none" { parts[0] = "nobody is asked who they are" }
        if !security.certificatePem.isEmpty || security.certificateUntil != nil {
            let until = session.exact(security.certificateUntil)
            parts.append("a certificate of its own\(until.isEmpty ? "" : " until \(until)")")
        }
        if !security.clientAuthoritiesPem.isEmpty { parts.append("callers show certificates") }
        return parts.joined(separator: ", ")
    }
}
