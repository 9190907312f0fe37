import CommandLineKit
import Contracts

enum ActivityCancel {
    static let waits = Flag.switch("wait", "waits until it has ended")

    static let command = Command<Session>(
        "cancel", "Asks for the end of a long operation.", arguments: [ActivityGroup.id],
        flags: [Shared.reason.specification, waits.specification],
        examples: [.init("slipway activity cancel 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be --wait", "until it is over")]
    ) { values, session in
        let connection = try session.connect()
        let found = try await ActivityFinder(connection: connection).find(values[ActivityGroup.id])
        var activity = try await found.client.cancel(
            .init(id: found.activity.id, reason: values[Shared.reason] ?? ""))
        if values[waits] {
            activity = try await ActivityFollower(session, connection.loop, found.client)
                .follow(activity, log: .nowhere).activity
        }
        try session.show(activity) { "" }
        let what = ActivityText.noun(activity.kind)
        switch activity.state {
        case .cancelled: session.done("\(what) is cancelled")
        case .cancelling:
            session.done("\(what) is asked to end; `slipway activity watch \(activity.id)` tells when it has")
        default: session.done("\(what) had ended: it \(ActivityText.name(of: activity.state))")
        }
    }
}
