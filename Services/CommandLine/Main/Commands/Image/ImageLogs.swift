import CommandLineKit
import Contracts

enum ImageLogs {
    static let command = Command<Session>(
        "logs", "Writes the log of the build of an image.",
        details: "A build that runs or failed has no image yet: `slipway activity log` takes its id.",
        arguments: [ImageGroup.image],
        flags: [ActivityLog.from.specification, ActivityLog.times.specification],
        examples: [.init("slipway image logs churn-svc:2 --times", "how it was built")]
    ) { values, session in
        let connection = try session.connect()
        let image = try await connection.images.getImage(.init(image: values[ImageGroup.image], includeDeleted: true))
        try await ActivityLog.write(image.build, ActivityFollower(session, connection, .images), values)
    }
}
