import HTTP
import Loop

/// One try of a request at one replica. It hears the replica's stream and passes on what it says for as long as the
/// exchange still wants it. Holds its slot at the replica until it is over. Confined to the exchange's loop.
final class Attempt: HTTPStreamReceiver {
    let replica: Replica
    let revision: Revision
    let line: ReplicaLine
    let began: LoopInstant
    private(set) var stream: HTTPStream?
    private var exchange: Exchange?
    private(set) var hasAnswered = false
    private var isOver = false
    /// Until when the answer must begin.
    private var timer: LoopTimer?

    init(_ exchange: Exchange, replica: Replica, revision: Revision, line: ReplicaLine) {
        self.exchange = exchange
        self.replica = replica
        self.revision = revision
        self.line = line
        began = exchange.loop.turnStart
        revision.memory.inFlight.add(1, ordering: .relaxed)
    }

    /// - Returns: false where the connection takes no more streams.
    func begin(on connection: HTTPClientConnection) -> Bool {
        guard let exchange else { return true }
        guard let stream = connection.open(exchange.request(to: replica), receiver: self) else { return false }
        guard !stream.isClosed else { return true }
        self.stream = stream
        if let timeout = exchange.tryTimeout {
            timer = exchange.loop.schedule(after: timeout) { [weak self] in self?.timedOut() }
        }
        exchange.opened(self, stream)
        return true
    }

    func couldNotConnect(_ reason: String) { end { $0.failed(self, .unreachable(reason)) } }

    private func timedOut() {
        guard let stream, !hasAnswered else { return }
        end { $0.failed(self, .silent) }
        stream.reset(.cancel)
    }

    /// The exchange wants no more of it.
    func giveUp() {
        line.forget(self)
        end { _ in }
        stream?.reset(.cancel)
        stream = nil
    }

    // MARK: From the replica

    func received(head: ResponseHead) {
        hasAnswered = true
        timer?.cancel()
        timer = nil
        exchange?.answerBegan(head, self)
    }

    func received(body: UnsafeRawBufferPointer) {
        if let exchange { exchange.answerCame(body, self) } else { stream?.consumed(body.count) }
    }

    func receivedEnd(trailers: HeaderFields?) { end { $0.answerEnded(trailers, self) } }

    func outputDrained() { exchange?.replicaTakesMore() }

    func closed(_ closure: StreamClosure) {
        stream = nil
        end { exchange in
            switch closure {
            case .refused: exchange.failed(self, .unsent)
            case .headTooLarge(let size, let limit): exchange.headRefused(size: size, limit: limit, self)
            default: exchange.failed(self, .broken("\(HTTPExchangeError.closed(closure))"))
            }
        }
    }

    /// Gives the slot back, once, before the exchange hears of it: it may want another one.
    private func end(_ tell: (Exchange) -> Void) {
        guard !isOver, let exchange else { return }
        isOver = true
        self.exchange = nil
        timer?.cancel()
        timer = nil
        let duration = began.duration(to: exchange.loop.clock.now)
        revision.memory.inFlight.subtract(1, ordering: .relaxed)
        revision.memory.busyNanoseconds.add(duration.wholeNanoseconds, ordering: .relaxed)
        replica.memory.release()
        tell(exchange)
        exchange.shard.slotFreed(of: revision.memory)
    }
}

/// Why a replica gave no answer, or not the whole of one.
enum AttemptFailure: Equatable {
    /// No connection was made.
    case unreachable(String)
    /// It surely saw nothing.
    case unsent
    /// It began no answer in the time of a try.
    case silent
    case broken(String)

    var reason: String {
        switch self {
        case .unreachable(let reason): reason
        case .unsent: "it takes no requests"
        case .silent: "it began no answer in time"
        case .broken(let reason): reason
        }
    }
}
