import CommandLineKit
import Contracts

extension DeploymentText {
    static func plan(_ plan: V1.RolloutPlan?) -> String {
        guard let plan else { return "all at once" }
        var text =
            plan.strategy == .unspecified
            ? "all at once" : DeploymentWords.name(plan.strategy, in: DeploymentWords.strategies)
        if plan.strategy == .canary || plan.strategy == .linear {
            text += " \(plan.stepPercent == 0 ? 10 : plan.stepPercent) %"
        }
        if let bake = plan.bake { text += ", watched for \(DeploymentWords.span(bake))" }
        if !plan.gates.isEmpty { text += ", " + plan.gates.map(GateText.text).joined(separator: " ") }
        return text
    }

    static func rollout(_ rollout: V1.Rollout?, _ session: Session) -> String {
        guard let rollout, rollout.to != 0 else { return "" }
        var facts = Facts()
        let from = rollout.from == 0 ? "" : "\(rollout.from) → "
        facts.add("revisions", "\(from)\(rollout.to)")
        facts.add("state", DeploymentWords.name(rollout.state, in: DeploymentWords.rolloutStates))
        facts.add("plan", plan(rollout.plan))
        facts.add("share", "\(rollout.percent) % for revision \(rollout.to)")
        facts.add("message", rollout.message)
        facts.add("began", session.exact(rollout.startedAt))
        facts.add("ended", session.exact(rollout.endedAt))
        return section("ROLLOUT", session.text(facts), session)
    }

    static func revisions(
        _ revisions: [V1.Revision], _ traffic: [V1.TrafficShare], _ session: Session
    ) -> String {
        guard !revisions.isEmpty else { return "" }
        var table = Table([
            .init("REVISION", .right), .init("TRAFFIC", .right), .init("READY", .right),
            .init("IMAGE", shrinksTo: 12), .init("MODELS", shrinksTo: 8), .init("MADE"), .init("BY", shrinksTo: 8),
            .init("REASON", shrinksTo: 8),
        ])
        for revision in revisions {
            let share = traffic.first { $0.revision == revision.number }?.percent ?? 0
            let ready = revision.replicas.count { $0.state == .ready }
            table.add([
                "\(revision.number)", share == 0 ? "" : "\(share) %",
                revision.replicas.isEmpty ? "" : "\(ready)/\(revision.replicas.count)", revision.image,
                revision.models.joined(separator: " "), session.relative(revision.createdAt), revision.createdBy,
                revision.reason,
            ])
        }
        return "\n" + session.text(table, whenEmpty: "")
    }

    static func replicas(_ replicas: [V1.Replica], _ session: Session) -> String {
        guard !replicas.isEmpty else { return "" }
        var table = Table([
            .init("REPLICA", shrinksTo: 8), .init("REVISION", .right), .init("STATE"), .init("RESTARTS", .right),
            .init("ADDRESS", shrinksTo: 12), .init("BEGUN"), .init("WHY", shrinksTo: 16),
        ])
        for replica in replicas {
            table.add([
                replica.id, "\(replica.revision)",
                DeploymentWords.name(replica.state, in: DeploymentWords.replicaStates),
                replica.restarts == 0 ? "" : "\(replica.restarts)", replica.address,
                session.relative(replica.startedAt), lastLine(replica.message),
            ])
        }
        let failed = replicas.filter { $0.message.contains("\n") }
        let logs = failed.map { replica in
            section(
                "LAST WORDS OF \(replica.id)",
                replica.message.split(separator: "\n").map { "  \(DisplayText.harmless(String($0)))\n" }.joined(),
                session)
        }
        return "\n" + session.text(table, whenEmpty: "") + logs.joined()
    }

    private static func lastLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
    }

    static func conditions(_ conditions: [V1.Condition], _ session: Session) -> String {
        guard !conditions.isEmpty else { return "" }
        var table = Table([
            .init("CONDITION"), .init("HOLDS"), .init("REASON", shrinksTo: 8), .init("SINCE"),
            .init("MESSAGE", shrinksTo: 20),
        ])
        for condition in conditions {
            table.add([
                condition.type, condition.holds.map { $0 ? "yes" : "no" } ?? "?", condition.reason,
                session.relative(condition.since), condition.message,
            ])
        }
        return "\n" + session.text(table, whenEmpty: "")
    }

    static func history(_ entries: [V1.HistoryEntry], _ session: Session) -> String {
        var table = Table([
            .init("WHEN"), .init("WHAT"), .init("WHO", shrinksTo: 8), .init("MESSAGE", shrinksTo: 20),
            .init("REASON", shrinksTo: 8),
        ])
        for entry in entries {
            table.add([session.relative(entry.at), entry.action, entry.actor, entry.message, entry.reason])
        }
        return session.text(table, whenEmpty: "nothing happened to it yet")
    }

    static func explanation(_ answer: V1.ExplainResponse, _ session: Session) -> String {
        var table = Table([
            .init("WHEN"), .init("FROM", .right), .init("TO", .right), .init("COMPUTED", .right),
            .init("UNDER WAY", .right), .init("WAITING", .right), .init("RATE", .right), .init("TAKES", .right),
            .init("BUSY", .right), .init("GOAL", .right), .init("REASON", shrinksTo: 20),
        ])
        for decision in answer.decisions {
            table.add([
                session.relative(decision.at), "\(decision.from)", "\(decision.to)", "\(decision.computed)",
                number(decision.inFlight), "\(decision.waiting)", "\(number(decision.rate))/s",
                "\(number(decision.duration * 1000)) ms", percent(decision.utilisation), number(decision.goal),
                decision.reason,
            ])
        }
        let summary = DisplayText.harmless(answer.summary)
        if table.isEmpty { return summary.isEmpty ? "" : summary + "\n" }
        return session.text(table, whenEmpty: "") + (summary.isEmpty ? "" : "\n\(summary)\n")
    }

    /// At most two digits behind the point.
    private static func number(_ value: Double) -> String { Amounts.decimal((value * 100).rounded() / 100) }
}
