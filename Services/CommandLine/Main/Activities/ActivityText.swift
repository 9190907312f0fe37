import CommandLineKit
import Contracts

/// Long operations as people read them.
enum ActivityText {
    typealias Activity = Slipway.Activities.V1.Activity

    static let states = ["pending", "running", "cancelling", "succeeded", "failed", "cancelled"]

    static func name(of state: Activity.State) -> String {
        switch state {
        case .pending: "pending"
        case .running: "running"
        case .cancelling: "cancelling"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .cancelled: "cancelled"
        default: "unknown"
        }
    }

    static func state(_ name: String?) -> Activity.State {
        switch name {
        case "pending": .pending
        case "running": .running
        case "cancelling": .cancelling
        case "succeeded": .succeeded
        case "failed": .failed
        case "cancelled": .cancelled
        default: .unspecified
        }
    }

    static func isOver(_ activity: Activity) -> Bool {
        switch activity.state {
        case .succeeded, .failed, .cancelled: true
        default: false
        }
    }

    /// What it does, as a progress line begins with.
    static func verb(_ kind: String) -> String {
        switch kind {
        case "image.build": "building"
        case "image.push": "pushing"
        case "image.verify": "verifying"
        default: kind
        }
    }

    /// What it is called in a sentence.
    static func noun(_ kind: String) -> String {
        switch kind {
        case "image.build": "the build"
        case "image.push": "the push"
        case "image.verify": "the comparison"
        default: kind.isEmpty ? "the activity" : "the activity \(kind)"
        }
    }

    /// How far it is, or how it ended.
    static func standing(_ activity: Activity) -> String {
        switch activity.state {
        case .failed: activity.failure?.message ?? ""
        case .cancelled: activity.cancelledBy.isEmpty ? "" : "by \(activity.cancelledBy)"
        case .succeeded: activity.resultJson
        default: line(activity, seconds: 0).words
        }
    }

    static func line(_ activity: Activity, seconds: Int) -> ActivityLine {
        ActivityLine(
            label: verb(activity.kind), fraction: activity.progress?.fraction, step: activity.progress?.step ?? "",
            message: activity.state == .cancelling
                ? "is asked to end"
                : activity.progress?.message ?? (activity.state == .pending ? "waits for somebody to run it" : ""),
            seconds: seconds)
    }

    static func table(_ activities: [Activity], _ session: Session) -> String {
        var table = Table([
            .init("ID"), .init("KIND"), .init("SUBJECT", shrinksTo: 10), .init("STATE"),
            .init("STARTED"), .init("TOOK", .right), .init("BY", shrinksTo: 8), .init("STANDING", shrinksTo: 12),
        ])
        for activity in activities {
            table.add([
                activity.id, activity.kind, activity.subject, name(of: activity.state),
                session.relative(activity.createdAt), took(activity, session.now), activity.actor,
                standing(activity),
            ])
        }
        return session.text(table, whenEmpty: "there is no activity")
    }

    static func details(_ activity: Activity, _ session: Session) -> String {
        var facts = Facts()
        facts.add("id", activity.id)
        facts.add("kind", activity.kind)
        facts.add("subject", activity.subject)
        facts.add("state", name(of: activity.state))
        if !isOver(activity) { facts.add("progress", line(activity, seconds: 0).text) }
        facts.add("result", activity.resultJson)
        facts.add("failure", activity.failure.map { "\($0.message) (\($0.code))" } ?? "")
        facts.add("cancelled by", activity.cancelledBy)
        facts.add("started by", activity.actor)
        facts.add("workspace", activity.workspace)
        facts.add("attempts", activity.attempts > 1 ? "\(activity.attempts)" : "")
        facts.add("log", Amounts.count(Int(activity.logLines), "line"))
        facts.add("made", session.exact(activity.createdAt))
        facts.add("began", session.exact(activity.startedAt))
        facts.add("ended", session.exact(activity.finishedAt))
        facts.add("took", took(activity, session.now))
        return session.text(facts)
    }

    /// How long it has run; empty where it has not begun.
    static func took(_ activity: Activity, _ now: Int64) -> String {
        guard let start = activity.startedAt else { return "" }
        return Amounts.span(Int(max(0, (activity.finishedAt?.seconds ?? now) - start.seconds)))
    }
}
