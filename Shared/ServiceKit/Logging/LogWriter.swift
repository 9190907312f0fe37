import Glibc
import Loop
import Synchronization

/// Takes records from any thread and writes them from one of its own. Whoever logs never waits for the disk or a slow
/// reader: the queue is bounded, and what does not fit is counted and reported when there is room again.
public final class LogWriter: @unchecked Sendable {
    public struct Configuration: Sendable {
        public var descriptor: Int32 = STDERR_FILENO
        public var format = LogFormat.automatic
        /// Records that may wait.
        public var queueLimit = 8192
        /// Characters of one message or text; the rest is cut off.
        public var textLimit = 16 * 1024

        public init() {}
    }

    public let redactor: Redactor
    private let configuration: Configuration
    private let format: LogFormat
    /// What the thread deals with at once.
    private struct Batch {
        var records: [LogRecord] = []
        var missed = 0
        var flushed: [@Sendable () -> Void] = []
        var isEmpty: Bool { records.isEmpty && missed == 0 && flushed.isEmpty }
    }
    private struct State {
        var next = Batch()
        var isStopping = false
        var thread: pthread_t?
        var isWorking = false
    }
    private let state = Condition(State())
    private let dropped = Atomic<Int>(0)
    private let written = Atomic<Int>(0)

    public init(_ configuration: Configuration = Configuration(), redactor: Redactor = Redactor()) {
        self.configuration = configuration
        self.redactor = redactor
        format = configuration.format.resolved(for: configuration.descriptor)
    }

    /// Records that found no room, ever.
    public var droppedCount: Int { dropped.load(ordering: .relaxed) }
    /// Records that were written, ever.
    public var writtenCount: Int { written.load(ordering: .relaxed) }

    /// Starts the thread. Records that came before are written now.
    public func start() throws {
        try state.withLock { state in
            guard state.thread == nil else { return }
            state.isStopping = false
            state.thread = try startThread(named: "log") { [self] in
                work()
                self.state.change(wakingAll: true) { $0.isWorking = false }
            }
            state.isWorking = true
        }
    }

    /// Writes what waits and ends the thread. Blocks for at most `limit`: a reader that does not read must not keep the
    /// process alive.
    public func stop(within limit: Duration = .seconds(2)) {
        let running = state.change(wakingAll: true) { state in
            state.isStopping = true
            defer { state.thread = nil }
            return state.thread
        }
        guard let running else { return }
        let isDone: Void? = state.wait(atMost: limit) { $0.isWorking ? nil : () }
        if isDone != nil { pthread_join(running, nil) } else { pthread_detach(running) }
    }

    /// Returns when everything logged before is written.
    public func flush() async {
        await withCheckedContinuation { continuation in
            let isRunning = state.change(wakingAll: true) { state in
                if state.thread != nil { state.next.flushed.append { continuation.resume() } }
                return state.thread != nil
            }
            if !isRunning { continuation.resume() }
        }
    }

    func log(_ record: LogRecord) {
        let isAccepted = state.change(wakingAll: true) { state in
            guard state.next.records.count < configuration.queueLimit else {
                state.next.missed += 1
                return false
            }
            state.next.records.append(record)
            return true
        }
        if !isAccepted { dropped.add(1, ordering: .relaxed) }
    }

    // MARK: the writing thread

    private func work() {
        var bytes: [UInt8] = []
        while true {
            let batch = take()
            guard !batch.isEmpty else { return }
            bytes.removeAll(keepingCapacity: true)
            for record in batch.records {
                format.append(cut(record), to: &bytes, redactor: redactor)
                if bytes.count > 64 * 1024 {
                    write(bytes)
                    bytes.removeAll(keepingCapacity: true)
                }
            }
            if batch.missed > 0 {
                let report = LogRecord(
                    time: LogTime.now, level: .warning, part: "log",
                    message: "records were dropped because the log's reader is too slow",
                    fields: [("dropped", .integer(batch.missed))], trace: nil)
                format.append(report, to: &bytes, redactor: redactor)
            }
            write(bytes)
            written.add(batch.records.count, ordering: .relaxed)
            for body in batch.flushed { body() }
        }
    }

    /// Empty at the end only.
    private func take() -> Batch {
        state.wait { state in
            guard !state.next.isEmpty || state.isStopping else { return nil }
            defer { state.next = Batch() }
            return state.next
        }
    }

    private func cut(_ record: LogRecord) -> LogRecord {
        let limit = configuration.textLimit
        // Redacted before it is cut: half a secret would not be found afterwards.
        func cut(_ text: String) -> String {
            text.utf8.count <= limit ? text : String(redactor.redact(text).prefix(limit)) + "…"
        }
        var record = record
        record.message = cut(record.message)
        for index in record.fields.indices {
            if case .string(let text) = record.fields[index].value { record.fields[index].value = .string(cut(text)) }
        }
        return record
    }

    /// A log that can't be written is no reason to stop serving: what the system refuses is lost.
    private func write(_ bytes: [UInt8]) {
        var done = 0
        bytes.withUnsafeBytes { buffer in
            while done < buffer.count, let base = buffer.baseAddress {
                let count = Glibc.write(configuration.descriptor, base + done, buffer.count - done)
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EAGAIN {
                    var waiting = pollfd(fd: configuration.descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, 1000)
                    continue
                }
                guard count > 0 else { return }
                done += count
            }
        }
    }
}
