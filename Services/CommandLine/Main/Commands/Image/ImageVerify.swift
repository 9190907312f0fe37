import CommandLineKit
import Contracts

enum ImageVerify {
    static let command = Command<Session>(
        "verify", "Builds an image once more of what it was built of, and compares.",
        details: "Exit code 1 where it is not the same; which layers and files differ is said then.",
        arguments: [ImageGroup.image], flags: [ImageGroup.detach.specification],
        examples: [.init("slipway image verify churn-svc:2", "does the same come of it?")]
    ) { values, session in
        let connection = try session.connect()
        let activity = try await connection.images.verify(.init(image: values[ImageGroup.image]))
        let run = ImageActivity(session: session, connection: connection, isDetached: values[ImageGroup.detach])
        guard let outcome = try await run.follow(activity) else { return }
        let result = try outcome.result()
        session.show(result) { "" }
        guard result["same"]?.isTrue == true else {
            let what = session.form == .table ? "\n" + result.yaml : ""
            throw Failure(.failed, "\(values[ImageGroup.image]) is not what comes of its recipe now\(what)")
        }
        session.done("\(values[ImageGroup.image]) is the same, to the byte: \(result["digest"]?.text ?? "")")
    }
}
