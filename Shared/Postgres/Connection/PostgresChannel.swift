import CPostgreSQL
import Loop

/// A connection of libpq on a loop: statements go out in a pipeline, each confirmed by a sync of its own or, for shared
/// reads, by one for a group. Confined to its loop.
///
/// A statement counts as done at its sync only: in the extended protocol the server commits there, after it said that the
/// command is complete.
final class PostgresChannel: Channel, @unchecked Sendable {
    /// What the server still owes, in the order of its answers.
    enum Step {
        case preamble(Operation)
        case deallocate(Operation)
        case prepare(Operation)
        case execute(Operation)
        /// An operation alone on the connection, out of the pipeline.
        case exclusive(Operation)
        case sync

        var operation: Operation? {
            switch self {
            case .preamble(let operation), .deallocate(let operation), .prepare(let operation),
                .execute(let operation), .exclusive(let operation):
                operation
            case .sync: nil
            }
        }
    }

    let configuration: PostgresConfiguration
    let pointer: OpaquePointer
    var cache: StatementCache
    var queue = FIFO<Operation>()
    var steps = FIFO<Step>()
    /// The first step has had an answer, so that the null after it ends it.
    var isStepAnswered = false
    /// Answered, and not confirmed by their sync yet.
    var answered: [Operation] = []
    /// Cancelled and ended; they go on when the request to cancel is surely spent.
    var held: [(Operation, Result<PostgresResult?, any Error>)] = []
    var isPipelining = false
    /// The last statement was a stream, and libpq still gives rows one at a time.
    var isRowWise = false
    var isCancelInFlight = false
    var wasCancelSent = false
    var needsFlush = false
    var isPaused = false
    /// The COPY that takes data at the moment.
    var copying: CopyFeed?
    private var isEndAnnounced = false
    var timer: LoopTimer?
    private var isFinished = false
    private var closeObserver: (() -> Void)?
    var notificationHandler: ((PostgresNotification) -> Void)?

    /// Takes over a connection that libpq has made. On the loop.
    /// - Throws: `LoopError`; the connection stays the caller's then.
    init(_ pointer: OpaquePointer, _ configuration: PostgresConfiguration, _ loop: EventLoop) throws {
        self.pointer = pointer
        self.configuration = configuration
        cache = StatementCache(capacity: configuration.preparedStatementsMax)
        super.init(descriptor: PQsocket(pointer), loop: loop, ownsDescriptor: false)
        PQsetnonblocking(pointer, 1)
        try loop.add(self)
    }

    deinit { if !isFinished { PQfinish(pointer) } }

    var isIdle: Bool { steps.isEmpty && queue.isEmpty && held.isEmpty && answered.isEmpty }
    var inFlightCount: Int { steps.count + queue.count }

    /// Nothing is under way and no transaction is open.
    var isReusable: Bool {
        !isClosed && isIdle && !isCancelInFlight && PQtransactionStatus(pointer) == PQTRANS_IDLE
    }

    func onClose(_ body: @escaping () -> Void) { closeObserver = body }

    /// Queues an operation; it is sent at the end of this turn of the loop. On the loop.
    func submit(_ operation: Operation) {
        guard operation.state == .new else { return }
        if operation.isCancelled { return operation.finish(.failure(CancellationError())) }
        guard !isClosed else {
            return operation.finish(.failure(PostgresError(.connection, "the connection is closed")))
        }
        operation.deadline = loop.clock.now.advanced(by: operation.timeout)
        let isAlone = !operation.sharesSync && isIdle
        enqueue(operation)
        // Nothing to wait for: the server can begin while this turn goes on.
        if isAlone { sendQueued() }
    }

    func enqueue(_ operation: Operation) {
        operation.state = .queued
        queue.append(operation)
        watchDeadline(operation.deadline)
        loop.markDirty(self)
    }

    override func flush() {
        sendQueued()
        while !isClosed {
            switch PQflush(pointer) {
            case 0:
                needsFlush = false
                guard feedCopy() else { return }
            case 1:
                needsFlush = true
                return
            default: return lost()
            }
        }
    }

    override func ready(_ events: ChannelEvents) {
        // The edge of the end comes once: from then on everything must be read.
        if !events.isDisjoint(with: .ended) { isEndAnnounced = true }
        if !events.isDisjoint(with: [.readable, .ended]) { read() }
        if !isClosed, needsFlush, events.contains(.writable) { flush() }
    }

    /// Reads what came. The edge comes once, so this only stops early when there is nothing more to expect.
    func read() {
        for _ in 0..<32 {
            guard !isPaused else { return }
            guard PQconsumeInput(pointer) == 1 else { return lost() }
            process()
            guard !isClosed, !isPaused else { return }
            // Everything asked for came, and whoever does not listen is sent nothing else.
            if steps.isEmpty, !isEndAnnounced, notificationHandler == nil { return }
            guard slipway_pq_has_input(pointer) != 0 else { return }
        }
        loop.readAgain(self)
    }

    /// Gives the connection up. Each operation learns what that means for it.
    func close(_ reason: PostgresError) {
        guard !isClosed else { return }
        timer?.cancel()
        loop.remove(self)
        isFinished = true
        PQfinish(pointer)
        failEverything(reason)
        let observer = closeObserver
        closeObserver = nil
        notificationHandler = nil
        observer?()
    }

    func lost() {
        // What the server said last still waits in libpq.
        process(afterEnd: true)
        let text = PQerrorMessage(pointer).map { PostgresConnectionString.trimmed(String(cString: $0)) } ?? ""
        close(PostgresError(.connection, text.isEmpty ? "the connection broke" : text))
    }
}
