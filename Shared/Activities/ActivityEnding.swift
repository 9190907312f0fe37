import Loop
import Postgres

/// What a handler's return or error means.
struct ActivityEnding: Sendable {
    var end: ActivityRules.End
    var result: PostgresJSON?
    var failure: ActivityFailure?
    /// The failure is in the handler's own words, and means something also where the activity was cancelled.
    var isInOwnWords = false
    /// What is not for callers: texts that were not written for them may hold secrets.
    var hiddenError: String?
    /// Before the next attempt.
    var pause = Duration.zero

    init(_ outcome: Result<PostgresJSON?, any Error>, wasStopped: Bool) {
        switch outcome {
        case .success(let result):
            end = .succeeded
            self.result = result
        case .failure where wasStopped:
            end = .stopped
        case .failure(let failure as ActivityFailure):
            end = .failed
            self.failure = failure
            isInOwnWords = true
        case .failure(let retry as ActivityRetry):
            end = .troubled
            failure = ActivityFailure(code: "retry", retry.reason)
            isInOwnWords = true
            pause = max(.zero, retry.after)
        case .failure(let error as PostgresError) where error.isTrouble:
            end = .troubled
            failure = ActivityFailure(code: "database_trouble", "the database could not be reached")
            pause = .milliseconds(500)
            hiddenError = "\(error)"
        case .failure(let error):
            end = .failed
            failure = ActivityFailure(code: "handler_failed", "the handler failed with \(type(of: error))")
            hiddenError = error is CancellationError ? nil : "\(error)"
        }
    }
}
