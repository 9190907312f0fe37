import CommandLineKit
import Contracts

enum SubscriptionDeadLetters {
    static let command = Command<Session>(
        "deadletters", "Lists events that were given up, the newest first.", arguments: [SubscriptionFlags.name],
        flags: [Shared.limit.specification],
        examples: [
            .init("slipway subscription deadletters ci", "which, and why"),
            .init("slipway subscription deadletters ci -o json", "with their data"),
        ]
    ) { values, session in
        let subscriptions = try session.connect().subscriptions
        let name = values[SubscriptionFlags.name]
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            let answer = try await subscriptions.listDeadLetters(.init(name: name, pageSize: size, pageToken: token))
            return (answer.letters, answer.nextPageToken)
        }
        let message = Slipway.Events.V1.ListDeadLettersResponse(letters: found.elements, nextPageToken: found.next)
        try session.show(message) {
            var table = Table([
                .init("GIVEN UP"), .init("EVENT"), .init("TYPE", shrinksTo: 12), .init("SUBJECT", shrinksTo: 10),
                .init("REASON"), .init("ATTEMPTS", .right), .init("LAST OUTCOME", shrinksTo: 12),
            ])
            for letter in found.elements {
                table.add([
                    session.relative(letter.diedAt), letter.event?.id ?? "", letter.event?.type ?? "",
                    letter.event?.subject ?? "", letter.reason, "\(letter.attempts)", letter.lastOutcome,
                ])
            }
            return session.text(table, whenEmpty: "nothing was given up")
        }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
