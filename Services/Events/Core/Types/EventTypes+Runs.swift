extension EventTypes {
    /// What is deployed, trained and watched.
    static let runs: [EventTypeDefinition] = [
        EventTypeDefinition(
            name: "model.deployed", description: "A deployment serves.", action: "model.deployed",
            subject: "endpoints/{service}",
            fields: [
                EventDataField("service", .text, .subjectName, "The service's name."),
                EventDataField("target_kind", .text, "What it runs on: `process`, `swarm`, `kubernetes`."),
                EventDataField("model_ids", .texts, "The versions of models that it serves."),
                EventDataField("tags", .textMap, "Its tags."),
                EventDataField("properties", .textMap, "Its properties."),
            ],
            example: .init(
                subject: "endpoints/churn",
                data: [
                    "service": "churn", "target_kind": "process", "model_ids": ["models/churn:3"],
                    "tags": ["team": "growth"], "properties": [:],
                ])),
        run("run.completed", "A run ended.", status: "completed"),
        run("run.status-changed", "A run is in another state.", status: "running"),
        EventTypeDefinition(
            name: "dataset.drift-detected", description: "Data differ from those that they are compared with.",
            action: "dataset.drift-detected", subject: "datadrifts/{monitor}/runs/{run}",
            fields: [
                EventDataField("monitor", .text, "What watches them."),
                EventDataField("run", .text, .subjectLast, "The run that found it."),
                EventDataField("base_dataset", .text, "What is compared with."),
                EventDataField("target_dataset", .text, "What was looked at."),
                EventDataField("coefficient", .number, "How far they are apart, from 0 to 1."),
                EventDataField("start", .time, "From when on data were looked at."),
                EventDataField("end", .time, "Until when."),
            ],
            example: .init(
                subject: "datadrifts/churn-inputs/runs/7f3a",
                data: [
                    "monitor": "churn-inputs", "run": "7f3a", "base_dataset": "datasets/customers:4",
                    "target_dataset": "datasets/requests:12", "coefficient": 0.31, "start": "2026-01-30T00:00:00Z",
                    "end": "2026-01-31T00:00:00Z",
                ])),
    ]

    private static func run(_ name: String, _ description: String, status: String) -> EventTypeDefinition {
        EventTypeDefinition(
            name: name, description: description, action: name, subject: "experiments/{id}/runs/{id}",
            fields: [
                EventDataField("experiment", .text, "The experiment's id."),
                EventDataField("run", .text, .subjectLast, "The run's id."),
                EventDataField("type", .text, "What kind of run it is."),
                EventDataField("tags", .textMap, "Its tags."),
                EventDataField("properties", .textMap, "Its properties."),
                EventDataField("status", .text, "Its state."),
            ],
            example: .init(
                subject: "experiments/churn/runs/7f3a",
                data: [
                    "experiment": "churn", "run": "7f3a", "type": "script", "tags": ["team": "growth"],
                    "properties": [:], "status": .text(status),
                ]))
    }
}
