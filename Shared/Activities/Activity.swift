import Postgres

/// A long operation as it is kept: what shall be done, how far it is, and how it ended.
public struct Activity: Hashable, Sendable {
    public let id: PostgresUUID
    public let workspace: String
    public let kind: String
    /// What it is about: `models/7`.
    public let subject: String
    /// Who wants it.
    public let actor: String
    public let state: ActivityState
    public let input: PostgresJSON?
    /// What its handler saved to go on from.
    public let checkpoint: PostgresJSON?
    public let progress: ActivityProgress
    /// What it gave, once it succeeded.
    public let result: PostgresJSON?
    /// Why it failed, or what its handler said when it was cancelled.
    public let failure: ActivityFailure?
    public let attempts: Int
    public let attemptsMax: Int
    /// That of the attempt that began last.
    public let fence: Int64
    /// Who ran it last.
    public let worker: String?
    /// How many lines its log got; the oldest may be gone.
    public let logLines: Int64
    public let cancelledBy: String?
    public let traceID: String?
    /// Grows with every change.
    public let revision: Int64
    public let createdAt: PostgresTimestamp
    public let startedAt: PostgresTimestamp?
    public let finishedAt: PostgresTimestamp?
}

/// How far an activity is.
public struct ActivityProgress: Hashable, Sendable {
    /// From 0 to 1; nil where nobody knows.
    public var fraction: Double?
    /// The part that it is at, by name.
    public var step: String
    /// A sentence for people.
    public var message: String

    public init(fraction: Double? = nil, step: String = "", message: String = "") {
        self.fraction = fraction
        self.step = step
        self.message = message
    }
}

/// Why an activity failed. Handlers throw it to say so in their own words; the text is for callers.
public struct ActivityFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// For programs: `image_too_large`.
    public var code: String
    public var message: String

    public init(code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }
}

extension Activity: PostgresRowDecodable {
    /// What a statement has to return for `init(row:)`.
    static let columns = """
        id, workspace, kind, subject, actor, state, input, checkpoint, fraction, step, message, result, error_code, \
        error_message, attempts, attempts_max, fence, worker, log_lines, cancelled_by, trace, revision, created_at, \
        started_at, finished_at
        """

    public init(row: PostgresRow) throws {
        id = try row.decode("id")
        workspace = try row.decode("workspace")
        kind = try row.decode("kind")
        subject = try row.decode("subject")
        actor = try row.decode("actor")
        state = try row.decode("state")
        input = try row.decode("input")
        checkpoint = try row.decode("checkpoint")
        progress = ActivityProgress(
            fraction: try row.decode("fraction"), step: try row.decode("step"), message: try row.decode("message"))
        result = try row.decode("result")
        let code: String? = try row.decode("error_code")
        let text: String? = try row.decode("error_message")
        failure = code.map { ActivityFailure(code: $0, text ?? "") }
        attempts = try row.decode("attempts")
        attemptsMax = try row.decode("attempts_max")
        fence = try row.decode("fence")
        worker = try row.decode("worker")
        logLines = try row.decode("log_lines")
        cancelledBy = try row.decode("cancelled_by")
        traceID = try row.decode("trace")
        revision = try row.decode("revision")
        createdAt = try row.decode("created_at")
        startedAt = try row.decode("started_at")
        finishedAt = try row.decode("finished_at")
    }
}
