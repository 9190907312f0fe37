import Loop
import Synchronization

/// One statement on its way through a connection. Confined to the connection's loop once submitted.
final class Operation: @unchecked Sendable {
    /// What a lost connection means for the caller.
    enum Effect {
        /// Nothing is changed: may be sent again.
        case read
        /// Changes something by itself: without an answer nobody knows.
        case write
        /// Part of a transaction: nothing counts before its COMMIT.
        case transactional
        case commit
    }
    enum Form {
        case prepared
        /// Sent once and forgotten: transaction control, settings.
        case unprepared
        /// Several statements, without binds; alone on the connection.
        case script
        /// A COPY and all that it takes; alone on the connection.
        case copy([UInt8])
        /// Row by row; alone on the connection.
        case stream(RowBuffer)
    }
    /// Goes on to the next, back to `queued` for another try, or to `done` from anywhere.
    enum State { case new, queued, sent, done }

    let query: PostgresQuery
    let form: Form
    let effect: Effect
    let timeout: Duration
    /// Reads of independent callers may be confirmed together; what one of them breaks is sent again for the others.
    let sharesSync: Bool
    /// Sent right before, in the same unit: `BEGIN`.
    var preamble: String?
    /// The name of the prepared statement that it was sent with.
    var statement = ""

    var state = State.new
    var deadline = LoopInstant(nanoseconds: .max)
    var result: PostgresResult?
    var error: PostgresError?
    var wasAborted = false
    var isIsolated = false
    var wasPreparedAgain = false
    var isCancelled = false
    var isExpired = false
    var wantsCancel = false
    /// Orders what the loop wrote before what the awaiting task reads. The runtime orders them too, but the thread sanitizer
    /// can't see into it.
    private let handOver = Atomic<Bool>(false)
    private var continuation: UnsafeContinuation<PostgresResult?, any Error>?
    private var completion: ((Result<PostgresResult?, any Error>) -> Void)?

    init(
        _ query: PostgresQuery, form: Form = .prepared, effect: Effect, timeout: Duration, sharesSync: Bool = false,
        completion: ((Result<PostgresResult?, any Error>) -> Void)? = nil
    ) {
        self.query = query
        self.form = form
        self.effect = effect
        self.timeout = timeout
        self.sharesSync = sharesSync
        self.completion = completion
    }

    var isExclusive: Bool {
        switch form {
        case .prepared, .unprepared: false
        case .script, .copy, .stream: true
        }
    }

    var copyBytes: [UInt8]? {
        if case .copy(let bytes) = form { bytes } else { nil }
    }

    func await(_ continuation: UnsafeContinuation<PostgresResult?, any Error>) { self.continuation = continuation }

    /// What the awaiting task gets when its continuation is resumed. With an unsafe one: a checked one allocates.
    func outcome(
        submitting submit: (UnsafeContinuation<PostgresResult?, any Error>) -> Void
    ) async throws -> PostgresResult? {
        defer { _ = handOver.load(ordering: .acquiring) }
        return try await withUnsafeThrowingContinuation { submit($0) }
    }

    func whenFinished(_ body: @escaping (Result<PostgresResult?, any Error>) -> Void) { completion = body }
    func whenFinished(_ body: @escaping () -> Void) { completion = { _ in body() } }

    /// Takes what an unfinished attempt left behind.
    func reset() {
        result = nil
        error = nil
        wasAborted = false
        wantsCancel = false
    }

    func finish(_ outcome: Result<PostgresResult?, any Error>) {
        guard state != .done else { return }
        state = .done
        if case .stream(let buffer) = form { buffer.finish(outcome) }
        let continuation = self.continuation
        let completion = self.completion
        self.continuation = nil
        self.completion = nil
        handOver.store(true, ordering: .releasing)
        continuation?.resume(with: outcome)
        completion?(outcome)
    }
}
