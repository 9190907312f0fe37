import CommandLineKit
import Contracts

/// Events as people read them.
enum EventText {
    typealias Event = Slipway.Events.V1.Event

    /// When, what, to what, who, and what is to be known of it.
    static func line(_ event: Event, _ session: Session) -> String {
        [session.stamp(event.time), event.type, event.subject, event.actor, event.dataJson]
            .filter { !$0.isEmpty }.map(DisplayText.harmless).joined(separator: "  ")
    }

    static func table(_ events: [Event], _ session: Session) -> String {
        var table = Table([
            .init("WHEN"), .init("TYPE", shrinksTo: 12), .init("SUBJECT", shrinksTo: 10), .init("BY", shrinksTo: 8),
            .init("ID", shrinksTo: 8), .init("DATA", shrinksTo: 10),
        ])
        for event in events {
            table.add([
                session.relative(event.time), event.type, event.subject, event.actor, event.id, event.dataJson,
            ])
        }
        return session.text(table, whenEmpty: "nothing of the kind happened")
    }

    static func details(_ event: Event, _ session: Session) -> String {
        var facts = Facts()
        facts.add("id", event.id)
        facts.add("type", event.type)
        facts.add("subject", event.subject)
        facts.add("source", event.source)
        facts.add("when", session.exact(event.time))
        facts.add("by", event.actor)
        facts.add("trace", event.trace)
        facts.add("schema", event.dataSchema)
        facts.add("cursor", event.cursor)
        return session.text(facts) + pretty(event.dataJson)
    }

    /// A document laid out; as it is where it is none.
    static func pretty(_ json: String) -> String {
        if json.isEmpty { return "" }
        guard let document = try? Document(parsing: json) else { return DisplayText.harmless(json) + "\n" }
        return document.json
    }
}
