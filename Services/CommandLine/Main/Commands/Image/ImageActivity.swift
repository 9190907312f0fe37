import CommandLineKit
import Contracts

/// What takes long with images: followed to its end, or left alone.
struct ImageActivity {
    let session: Session
    let connection: Connection
    let isDetached: Bool

    /// - Returns: how it ended well; nil where it is left alone, of which all is said then.
    /// - Throws: `Failure` where it ended badly, or was cancelled, or Ctrl-C came.
    func follow(_ activity: Slipway.Activities.V1.Activity) async throws -> ActivityFollower.Outcome? {
        if isDetached {
            try session.show(activity) { "\(activity.id)\n" }
            session.note("`slipway activity watch \(activity.id)` follows it")
            return nil
        }
        let outcome = try await ActivityFollower(session, connection, .images).follow(activity)
        try outcome.check()
        return outcome
    }
}

extension ActivityFollower.Outcome {
    /// What the activity gave.
    /// - Throws: `Failure` where that can't be understood.
    func result() throws -> Document {
        do { return try Document(parsing: activity.resultJson) } catch {
            throw Failure(.failed, "\(ActivityText.noun(activity.kind)) gave no result that can be read: \(error)")
        }
    }

    /// The image that was built.
    func image() throws -> String {
        guard let image = try result()["image"]?.text else {
            throw Failure(.failed, "\(ActivityText.noun(activity.kind)) does not say which image it made")
        }
        return image
    }
}
