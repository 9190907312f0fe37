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
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var queue: [LogRecord] = []
    private var droppedSinceReport = 0
    private var waitingForFlush: [@Sendable () -> Void] = []
    private var isStopping = false
    private var thread: pthread_t?
    private var isWorking = false
    private let dropped = Atomic<Int>(0)
    private let written = Atomic<Int>(0)

    public init(_ configuration: Configuration = Configuration(), redactor: Redactor = Redactor()) {
        self.configuration = configuration
        self.redactor = redactor
        format = configuration.format.resolved(for: configuration.descriptor)
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Records that found no room, ever.
    public var droppedCount: Int { dropped.load(ordering: .relaxed) }
    /// Records that were written, ever.
    public var writtenCount: Int { written.load(ordering: .relaxed) }

    /// Starts the thread. Records that came before are written now.
    public func start() throws {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard thread == nil else { return }
        isStopping = false
        thread = try startThread(named: "log") { [self] in
            work()
            pthread_mutex_lock(mutex)
            isWorking = false
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
        }
        isWorking = true
    }

    /// Writes what waits and ends the thread. Blocks for at most `limit`: a reader that does not read must not keep the
    /// process alive.
    public func stop(within limit: Duration = .seconds(2)) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let end = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) + max(0, limit.wholeNanoseconds)
        var deadline = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        pthread_mutex_lock(mutex)
        isStopping = true
        let running = thread
        thread = nil
        pthread_cond_broadcast(condition)
        while running != nil, isWorking, pthread_cond_timedwait(condition, mutex, &deadline) == 0 {}
        let isDone = !isWorking
        pthread_mutex_unlock(mutex)
        guard let running else { return }
        if isDone { pthread_join(running, nil) } else { pthread_detach(running) }
    }

    /// Returns when everything logged before is written.
    public func flush() async {
        await withCheckedContinuation { continuation in
            pthread_mutex_lock(mutex)
            let isRunning = thread != nil
            if isRunning { waitingForFlush.append { continuation.resume() } }
            pthread_cond_broadcast(condition)
            pthread_mutex_unlock(mutex)
            if !isRunning { continuation.resume() }
        }
    }

    func log(_ record: LogRecord) {
        pthread_mutex_lock(mutex)
        if queue.count < configuration.queueLimit {
            queue.append(record)
            if queue.count == 1 { pthread_cond_broadcast(condition) }
        } else {
            droppedSinceReport += 1
            dropped.add(1, ordering: .relaxed)
        }
        pthread_mutex_unlock(mutex)
    }

    // MARK: the writing thread

    private func work() {
        var bytes: [UInt8] = []
        while let (records, missed, flushed) = take() {
            bytes.removeAll(keepingCapacity: true)
            for record in records {
                format.append(cut(record), to: &bytes, redactor: redactor)
                if bytes.count > 64 * 1024 {
                    write(bytes)
                    bytes.removeAll(keepingCapacity: true)
                }
            }
            if missed > 0 {
                let report = LogRecord(
                    time: LogTime.now, level: .warning, part: "log",
                    message: "records were dropped because the log's reader is too slow",
                    fields: [("dropped", .integer(missed))], trace: nil)
                format.append(report, to: &bytes, redactor: redactor)
            }
            write(bytes)
            written.add(records.count, ordering: .relaxed)
            for body in flushed { body() }
        }
    }

    private func take() -> (records: [LogRecord], missed: Int, flushed: [@Sendable () -> Void])? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while queue.isEmpty, waitingForFlush.isEmpty, droppedSinceReport == 0 {
            if isStopping { return nil }
            pthread_cond_wait(condition, mutex)
        }
        defer {
            queue = []
            droppedSinceReport = 0
            waitingForFlush = []
        }
        return (queue, droppedSinceReport, waitingForFlush)
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
