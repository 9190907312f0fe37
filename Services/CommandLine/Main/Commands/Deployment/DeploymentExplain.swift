import CommandLineKit
import Contracts

enum DeploymentExplain {
    static let decisions = Flag.integer("decisions", "COUNT", in: 1...1000, "the last so many (20)")

    static let command = Command<Session>(
        "explain", "Says why there are as many replicas as there are: the last decisions with their numbers.",
        details: """
            COMPUTED is what the formula gave, before the bounds and the waiting times; TAKES is how long one request \
            takes, BUSY which part of the slots works.
            """,
        arguments: [DeploymentGroup.name], flags: [decisions.specification],
        examples: [.init("slipway deployment explain churn", "why so many?")]
    ) { values, session in
        let answer = try await session.connect().deployments.explain(
            .init(name: values[DeploymentGroup.name], decisions: Int32(values[decisions] ?? 0)))
        try session.show(answer) { DeploymentText.explanation(answer, session) }
        if answer.decisions.isEmpty, answer.summary.isEmpty { session.done("nothing was decided yet") }
    }
}
