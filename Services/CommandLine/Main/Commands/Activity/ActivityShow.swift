import CommandLineKit
import Contracts

enum ActivityShow {
    static let command = Command<Session>(
        "show", "Shows a long operation as it is now.", arguments: [ActivityGroup.id],
        examples: [.init("slipway activity show 0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be", "how far it is")]
    ) { values, session in
        let found = try await ActivityFinder(connection: try session.connect()).find(values[ActivityGroup.id])
        try session.show(found.activity) { ActivityText.details(found.activity, session) }
    }
}
