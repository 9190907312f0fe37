import Loop
import Postgres

/// What a handler says of its progress, on its way to the database: gathered, so that one who says much costs little.
final class ActivityOutbox: Sendable {
    struct Batch: Sendable {
        var progress: ActivityProgress?
        /// The number of the first line.
        var first: Int64
        var lines: [String] = []
        var times: [PostgresTimestamp] = []

        var isEmpty: Bool { progress == nil && lines.isEmpty }
        var last: Int64 { first + Int64(lines.count) - 1 }
    }

    private struct State {
        var batch: Batch
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    /// Between two writes passes at least as much.
    private static let pause = Duration.milliseconds(100)
    /// Who adds to more lines than these waits until they are written.
    private static let linesMax = 1000
    private static let textBytesMax = 1024

    private let id: PostgresUUID
    private let fence: Int64
    private let pool: PostgresPool
    private let loop: EventLoop
    private let state: Lock<State>
    private let bell = PostgresBell()
    private let over = PostgresBell()

    init(_ activity: Activity, pool: PostgresPool, loop: EventLoop) {
        id = activity.id
        fence = activity.fence
        self.pool = pool
        self.loop = loop
        state = Lock(State(batch: Batch(first: activity.logLines + 1)))
    }

    func report(_ progress: ActivityProgress) {
        var progress = progress
        progress.fraction = progress.fraction.map { $0.isNaN ? 0 : min(max($0, 0), 1) }
        progress.step = ActivityOutbox.clipped(progress.step, ActivityOutbox.textBytesMax)
        progress.message = ActivityOutbox.clipped(progress.message, ActivityOutbox.textBytesMax)
        let isLate = state.withLock { state in
            if !state.isOver { state.batch.progress = progress }
            return state.isOver
        }
        if !isLate { bell.ring() }
    }

    func log(_ text: String) async {
        let now = PostgresTimestamp.now
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            ActivityOutbox.clipped(String($0), Activities.logLineBytesMax)
        }
        state.withLock { state in
            guard !state.isOver else { return }
            state.batch.lines += lines
            state.batch.times += lines.map { _ in now }
        }
        bell.ring()
        await withCheckedContinuation { continuation in
            let mayGoOn = state.withLock { state in
                if state.isOver || state.batch.lines.count <= ActivityOutbox.linesMax { return true }
                state.waiting.append(continuation)
                return false
            }
            if mayGoOn { continuation.resume() }
        }
    }

    /// Nothing more is taken; `run` ends when all is written.
    func finish() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
        bell.ring()
        over.ring()
    }

    /// Writes what comes until it is finished and all is written, or the task is cancelled.
    func run() async {
        defer { finish() }
        while !Task.isCancelled {
            let (batch, isOver, waiting) = take()
            for continuation in waiting { continuation.resume() }
            if batch.isEmpty {
                if isOver { return }
                try? await bell.wait(upTo: Activities.backstop, on: loop)
                continue
            }
            await write(batch)
            try? await over.wait(upTo: ActivityOutbox.pause, on: loop)
        }
    }

    private func take() -> (Batch, isOver: Bool, [CheckedContinuation<Void, Never>]) {
        state.withLock { state in
            defer {
                state.batch = Batch(first: state.batch.last + 1)
                state.waiting = []
            }
            return (state.batch, state.isOver, state.waiting)
        }
    }

    /// Tries until it is written, or the task is cancelled: the lines have their numbers, so a second time changes
    /// nothing.
    private func write(_ batch: Batch) async {
        var failures = 0
        while !Task.isCancelled {
            do {
                _ = try await pool.query(statement(batch))
                return
            } catch let error as PostgresError where error.isTrouble {
                failures += 1
                try? await loop.sleep(for: .milliseconds(50) * (1 << min(failures, 5)))
            } catch {
                // The database refuses it, and would again.
                return
            }
        }
    }

    private func statement(_ batch: Batch) -> PostgresQuery {
        let progress = batch.progress ?? ActivityProgress()
        return """
            WITH touched AS (
                UPDATE activities.activities SET log_lines = greatest(log_lines, \(batch.last)),
                    fraction = CASE WHEN \(batch.progress != nil) THEN \(progress.fraction) ELSE fraction END,
                    step = CASE WHEN \(batch.progress != nil) THEN \(progress.step) ELSE step END,
                    message = CASE WHEN \(batch.progress != nil) THEN \(progress.message) ELSE message END
                WHERE id = \(id) AND fence = \(fence) AND state IN ('running', 'cancelling') RETURNING id
            ), forgotten AS (
                DELETE FROM activities.log AS l USING touched
                WHERE l.activity = touched.id AND l.number <= \(batch.last - Activities.logLinesMax)
            )
            INSERT INTO activities.log (activity, number, at, text)
            SELECT touched.id, \(batch.first) + line.place - 1, line.at, line.text
            FROM touched, unnest(\(batch.times), \(batch.lines)) WITH ORDINALITY AS line (at, text, place)
            ON CONFLICT DO NOTHING
            """
    }

    /// At most so many bytes, cut between characters, and nothing that the database can't hold.
    static func clipped(_ text: String, _ bytesMax: Int) -> String {
        let text = text.utf8.contains(0) ? String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }) : text
        guard text.utf8.count > bytesMax else { return text }
        var kept = ""
        var count = 0
        for character in text.unicodeScalars {
            count += UTF8.width(character)
            if count > bytesMax - 3 { break }
            kept.unicodeScalars.append(character)
        }
        return kept + "…"
    }
}

extension PostgresError {
    /// The database could not be reached, gave no answer, or had no room: another attempt may succeed.
    var isTrouble: Bool {
        switch kind {
        case .connection, .outcomeUnknown, .deadlineExceeded, .poolExhausted: true
        case .server: isRetryable || ["53", "57", "58"].contains(code.classCode)
        case .closed, .usage: false
        }
    }
}
