import CommandLineKit
import Contracts

enum ImagePush {
    static let destination = Argument("DESTINATION", "where to: registry.example.com/team/churn:2")

    static let command = Command<Session>(
        "push", "Copies an image to another registry; only layers that it lacks travel.",
        details: "`slipway image credential set` says how the registry is signed in to.",
        arguments: [ImageGroup.image, destination],
        flags: [ImageGroup.detach.specification, Shared.reason.specification],
        examples: [.init("slipway image push churn-svc:2 registry.example.com/team/churn:2", "as `docker push` would")]
    ) { values, session in
        let connection = try session.connect()
        let activity = try await connection.images.push(
            .init(
                image: values[ImageGroup.image], destination: values[destination],
                reason: values[Shared.reason] ?? ""))
        let run = ImageActivity(session: session, connection: connection, isDetached: values[ImageGroup.detach])
        guard let outcome = try await run.follow(activity) else { return }
        try session.show(outcome.activity) { "" }
        session.done("\(values[ImageGroup.image]) is at \(values[destination])")
    }
}
