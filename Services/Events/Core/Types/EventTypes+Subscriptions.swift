extension EventTypes {
    /// Who is told of events. Where they go is not told: the addresses of many receivers are secrets.
    static let subscriptions: [EventTypeDefinition] = [
        subscription("created", "create", "Somebody is told of events.", state: "active"),
        subscription("updated", "update", "A subscription changed.", state: "active"),
        subscription("secret-rotated", "rotate-secret", "A subscription signs with another secret.", state: "active"),
        subscription("paused", "pause", "A subscription delivers nothing until it is resumed.", state: "paused"),
        subscription("resumed", "resume", "A subscription delivers again.", state: "active"),
        subscription("replayed", "replay", "A subscription delivers events of the past once more.", state: "active"),
        subscription("redelivered", "redeliver", "A subscription delivers dead letters once more."),
        subscription("ended", "ended", "The receiver of a subscription wants nothing more.", state: "ended"),
        subscription("deleted", "delete", "Nobody is told of events by this subscription any more."),
    ]

    private static func subscription(
        _ verb: String, _ action: String, _ description: String, state: String? = nil
    ) -> EventTypeDefinition {
        var data: [EventValue.Member] = [.init(name: "name", value: "to-slack")]
        if let state { data.append(.init(name: "state", value: .text(state))) }
        return EventTypeDefinition(
            name: "subscription.\(verb)", description: description, action: "subscription.\(action)",
            subject: "subscriptions/{name}",
            fields: [
                nameField,
                EventDataField(
                    "state", .text, optional: true,
                    "Its state: `active`, `paused`, `ended`; absent where it is not told."),
            ], example: .init(subject: "subscriptions/to-slack", data: .object(data)))
    }
}
