import CommandLineKit
import Contracts

enum Audit {
    static let actor = Flag.text("actor", "NAME", "only what this principal did: ada, person:ada")
    static let action = Flag.text("action", "ACTION", "only this: model.registered, or model.* for all of a kind")
    static let subject = Flag.text("subject", "SUBJECT", "only about this: models/churn:3, models/churn:*")
    static let since = Flag.moment("since", "not before this")
    static let suite = Flag.switch("suite", "what concerns no workspace: principals, administrators, unbound tokens")
    static let until = Flag.moment("until", "before this")

    static let command = Command<Session>(
        "audit", "Says who did what, when and why, the newest first.",
        flags: [
            actor.specification, action.specification, subject.specification, since.specification,
            until.specification, suite.specification, Shared.limit.specification,
        ],
        examples: [
            .init("slipway audit --since 24h", "the last day"),
            .init("slipway audit --actor ada --action 'model.*'", "what ada did to models"),
            .init("slipway audit --suite --action 'identity.token.*'", "who made and revoked which tokens"),
            .init("slipway audit --subject models/churn:3 -o json", "all about one version, with before and after"),
        ]
    ) { values, session in
        var request = Slipway.Audit.V1.ListEntriesRequest()
        request.actor = values[actor] ?? ""
        request.action = values[action] ?? ""
        request.subject = values[subject] ?? ""
        request.since = try session.timestamp(values[since], flag: "since")
        request.until = try session.timestamp(values[until], flag: "until")
        request.suite = values[suite]
        let connection = try session.connect()
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            request.pageSize = size
            request.pageToken = token
            let answer = try await connection.audit.list(request)
            return (answer.entries, answer.nextPageToken)
        }
        let message = Slipway.Audit.V1.ListEntriesResponse(entries: found.elements, nextPageToken: found.next)
        try session.show(message) {
            var table = Table([
                .init("WHEN"), .init("ACTOR", shrinksTo: 8), .init("ACTION", shrinksTo: 10),
                .init("SUBJECT", shrinksTo: 10), .init("REASON", shrinksTo: 8),
            ])
            for entry in found.elements {
                table.add([session.relative(entry.at), entry.actor, entry.action, entry.subject, entry.reason])
            }
            return session.text(table, whenEmpty: "nothing of the kind happened")
        }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
