import Loop
import Postgres

/// Does the work of one kind of activity.
///
/// Its task is cancelled when somebody cancelled the activity, when the process stops, and when another process took
/// over. Whatever it changes in the database goes through `ActivityContext.transaction`, which refuses once another
/// took over.
///
/// It runs beside the loops, on the runtime's own threads: what computes for long slows no call down.
///
/// It ends by returning a result; by throwing `ActivityFailure`, which says to callers why; by throwing `ActivityRetry`
/// or an error of the database's connection, for another attempt where it is resumable; by any other error, of which
/// callers learn nothing but its type.
public protocol ActivityHandler: Sendable {
    var kind: String { get }

    /// Whether it can be run again after its process died or stopped: it goes on from `ActivityContext.checkpoint`, or
    /// bears being run from the start. One that can't fails then.
    var isResumable: Bool { get }

    func run(_ context: ActivityContext) async throws -> PostgresJSON?
}

/// A handler made of a closure.
public struct ClosureHandler: ActivityHandler {
    public let kind: String
    public let isResumable: Bool
    private let body: @Sendable (ActivityContext) async throws -> PostgresJSON?

    public init(
        _ kind: String, isResumable: Bool, _ body: @escaping @Sendable (ActivityContext) async throws -> PostgresJSON?
    ) {
        self.kind = kind
        self.isResumable = isResumable
        self.body = body
    }

    public func run(_ context: ActivityContext) async throws -> PostgresJSON? { try await body(context) }
}

/// Thrown by a handler that met something that another attempt may not meet. It counts as an attempt.
public struct ActivityRetry: Error, Sendable {
    public var after: Duration
    public var reason: String

    public init(after: Duration, _ reason: String) {
        self.after = after
        self.reason = reason
    }
}
