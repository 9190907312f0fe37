extension EventTypes {
    static let activities: [EventTypeDefinition] = [
        activity("started", "start", "A long operation is to be carried out.", state: "pending"),
        activity("running", "run", "A long operation is under way.", state: "running", previous: "pending"),
        activity(
            "cancelling", "cancel", "A long operation is asked to stop.", state: "cancelling", previous: "running"),
        activity(
            "handed-back", "hand-back", "An attempt at a long operation failed; another will come.", state: "pending",
            previous: "running", error: "UNAVAILABLE"),
        activity("finished", "finish", "A long operation is over.", state: "succeeded", previous: "running"),
    ]

    private static func activity(
        _ verb: String, _ action: String, _ description: String, state: String, previous: String? = nil,
        error: String? = nil
    ) -> EventTypeDefinition {
        var example: [EventValue.Member] = [
            .init(name: "id", value: "0d9c8a3e-6f0c-4f2a-9a53-1d6d4b6f1a11"),
            .init(name: "kind", value: "image.build"), .init(name: "subject", value: "images/churn:1"),
            .init(name: "state", value: .text(state)), .init(name: "attempt", value: 1),
        ]
        if let previous { example.append(.init(name: "previous_state", value: .text(previous))) }
        if let error { example.append(.init(name: "error", value: .text(error))) }
        return EventTypeDefinition(
            name: "activity.\(verb)", description: description, action: "activity.\(action)",
            subject: "activities/{id}",
            fields: [
                EventDataField("id", .text, .subjectName, "Its id."),
                EventDataField("kind", .text, "What kind of operation it is."),
                EventDataField("subject", .text, "What it is about."),
                EventDataField("state", .text, "Its state."),
                EventDataField("attempt", .integer, "How often it was begun."),
                EventDataField("previous_state", .text, .before("state"), optional: true, "Its state before."),
                EventDataField("error", .text, optional: true, "The code of what it failed with."),
            ],
            example: .init(subject: "activities/0d9c8a3e-6f0c-4f2a-9a53-1d6d4b6f1a11", data: .object(example)))
    }
}
