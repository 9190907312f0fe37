import Activities
import Contracts
import Postgres
import Protobuf
import RPC

extension Slipway.Activities.V1.Activity {
    package init(_ activity: Activity) {
        self.init()
        id = activity.id.description
        workspace = activity.workspace
        kind = activity.kind
        subject = activity.subject
        actor = activity.actor
        state = State(activity.state)
        var progress = Slipway.Activities.V1.ActivityProgress()
        progress.fraction = activity.progress.fraction
        progress.step = activity.progress.step
        progress.message = activity.progress.message
        self.progress = progress
        attempts = Int32(clamping: activity.attempts)
        resultJson = activity.result?.text ?? ""
        if activity.state == .failed, let cause = activity.failure {
            var failure = Slipway.Activities.V1.ActivityFailure()
            failure.code = cause.code
            failure.message = cause.message
            self.failure = failure
        }
        cancelledBy = activity.cancelledBy ?? ""
        logLines = activity.logLines
        revision = activity.revision
        createdAt = Google.Protobuf.Timestamp(activity.createdAt)
        startedAt = activity.startedAt.map(Google.Protobuf.Timestamp.init)
        finishedAt = activity.finishedAt.map(Google.Protobuf.Timestamp.init)
    }
}

extension Slipway.Activities.V1.ActivityLogLine {
    init(_ line: ActivityLogLine) {
        self.init()
        number = line.number
        at = Google.Protobuf.Timestamp(line.time)
        text = line.text
    }
}

extension Slipway.Activities.V1.Activity.State {
    init(_ state: ActivityState) {
        switch state {
        case .pending: self = .pending
        case .running: self = .running
        case .cancelling: self = .cancelling
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }
}

extension ActivityState {
    /// Nil for a state that was not said.
    init?(_ state: Slipway.Activities.V1.Activity.State) throws {
        switch state {
        case .unspecified: return nil
        case .pending: self = .pending
        case .running: self = .running
        case .cancelling: self = .cancelling
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        default: throw RPCError.badRequest(field: "state", "not a state of activities")
        }
    }
}

extension Google.Protobuf.Timestamp {
    init(_ time: PostgresTimestamp) {
        self.init()
        let (seconds, rest) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        self.seconds = rest < 0 ? seconds - 1 : seconds
        nanos = Int32(rest < 0 ? rest + 1_000_000 : rest) * 1000
    }
}
