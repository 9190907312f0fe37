/// The rules of one HTTP/1 server connection: what happened goes in, what to do comes out. No bytes, no clock.
struct HTTP1ServerState: Equatable {
    /// What the peer is sending.
    enum Inbound: Equatable {
        /// Between requests. Goes to `head`.
        case idle
        /// A head has begun. Goes to `body`, `complete` or `ignored`.
        case head
        /// Goes to `complete`, `unwanted` or `ignored`.
        case body
        /// The request is there; its answer is not finished. Goes to `idle` or `ignored`.
        case complete
        /// A body that nobody waits for, small enough to be skipped. Goes to `idle` or `ignored`.
        case unwanted(skipped: Int)
        /// Nothing that comes matters any more.
        case ignored
    }
    /// What we are sending.
    enum Outbound: Equatable {
        /// Goes to `awaited`, or to `ended` with a refusal.
        case idle
        /// The handler owes an answer. Goes to `body` or `ended`.
        case awaited
        /// Goes to `idle` or `ended`.
        case body
        /// The last answer is given; the connection ends. Stays.
        case ended
    }

    struct Request: Equatable {
        var isHead = false
        var isVersion11 = true
        var keepsAlive = true
        var hasBody = false
        var expectsContinue = false
    }
    struct Response: Equatable {
        var status: Int
        /// What the handler's head says.
        var contentLength: Int?
        var wantsClose = false
        /// The length of the body where all of it is known already and no trailers follow.
        var completeLength: Int?
    }
    /// How a response goes over the wire.
    struct Plan: Equatable {
        enum Connection: Equatable { case unsaid, close, keepAlive }

        var framing: HTTP1Framing
        /// A Content-Length that the handler did not give.
        var addsLength: Int?
        var connection: Connection
    }
    enum Action: Equatable {
        case nothing
        /// Body bytes are welcome and the peer waits to hear it.
        case sendContinue
        /// The exchange is over; the next request may come.
        case next
        /// Send what is queued, tell the peer that no more comes, and read on for a while so that it can hear that.
        case linger
        /// Send a short answer of our own, then linger.
        case refuse(HTTP1Failure)
        /// Send what is queued, then close.
        case finish
        /// Nothing more can be said.
        case close
    }
    /// What the peer is given time for.
    enum Wait: Equatable { case nothing, idle, head, body, farewell }

    /// How much of an unwanted body is read for the sake of keeping the connection.
    static let skipAllowance = 256 * 1024

    private(set) var inbound = Inbound.idle
    private(set) var outbound = Outbound.idle
    private(set) var request = Request()
    private var owesContinue = false
    private(set) var isDraining = false
    private(set) var isPeerDone = false

    // MARK: What the peer does

    mutating func headBegan() { if inbound == .idle { inbound = .head } }

    mutating func received(_ request: Request) {
        self.request = request
        owesContinue = request.expectsContinue
        inbound = request.hasBody ? .body : .complete
        outbound = .awaited
    }

    /// A receiver took the request, and perhaps answered it.
    mutating func receiverChosen() -> Action {
        guard owesContinue, inbound == .body, outbound == .awaited else { return .nothing }
        owesContinue = false
        return .sendContinue
    }

    mutating func requestEnded() -> Action {
        switch inbound {
        case .body:
            inbound = .complete
            return .nothing
        case .unwanted: return endExchange()
        default: return .nothing
        }
    }

    /// Bytes of an unwanted body came.
    mutating func skipped(_ count: Int) -> Action {
        guard case .unwanted(let skipped) = inbound else { return .nothing }
        inbound = .unwanted(skipped: skipped + count)
        return skipped + count > HTTP1ServerState.skipAllowance ? linger() : .nothing
    }

    /// The peer broke a rule or a limit.
    mutating func failed(_ failure: HTTP1Failure) -> Action {
        switch outbound {
        case .idle, .awaited: return end(with: .refuse(failure))
        // The answer is cut short: a second one would be read as part of it.
        case .body, .ended: return end(with: .close)
        }
    }

    /// The peer sends no more.
    mutating func peerEnded() -> Action {
        isPeerDone = true
        switch inbound {
        case .complete: return .nothing
        case .ignored: return .finish
        case .idle, .head, .body, .unwanted: return end(with: .finish)
        }
    }

    // MARK: What we do

    mutating func responseBegan(_ response: Response) -> Plan {
        var framing: HTTP1Framing
        var addsLength: Int?
        let isBodiless = request.isHead || response.status == 204 || response.status == 304 || response.status < 200
        if isBodiless {
            framing = .none
        } else if let length = response.contentLength {
            framing = length == 0 ? .none : .length(length)
        } else if let length = response.completeLength {
            framing = length == 0 ? .none : .length(length)
            addsLength = length
        } else {
            framing = request.isVersion11 ? .chunked : .untilClose
        }
        // Who still waits for "100 Continue" will not send the body, or will: nobody can tell.
        if response.wantsClose || isDraining || owesContinue || framing == .untilClose || isPeerDone {
            request.keepsAlive = false
        }
        outbound = .body
        let connection: Plan.Connection =
            request.keepsAlive ? (request.isVersion11 ? .unsaid : .keepAlive) : .close
        return Plan(framing: framing, addsLength: addsLength, connection: connection)
    }

    /// The response's last byte is queued.
    /// - Parameter bodyLeft: how many bytes of the request's body are still to come, where that is known.
    mutating func responseEnded(bodyLeft: Int?) -> Action {
        guard outbound == .body else { return .nothing }
        switch inbound {
        case .complete: return endExchange()
        case .body:
            guard request.keepsAlive, bodyLeft ?? 0 <= HTTP1ServerState.skipAllowance else { return linger() }
            outbound = .idle
            inbound = .unwanted(skipped: 0)
            return .nothing
        case .idle, .head, .unwanted, .ignored: return linger()
        }
    }

    /// The response can't be brought to its end.
    mutating func responseBroke() -> Action { end(with: .finish) }

    /// Finish what is under way and take no more.
    mutating func drain() -> Action {
        isDraining = true
        return inbound == .idle && outbound == .idle ? end(with: .finish) : .nothing
    }

    private mutating func endExchange() -> Action {
        guard request.keepsAlive, !isDraining, !isPeerDone else { return linger() }
        inbound = .idle
        outbound = .idle
        return .next
    }

    private mutating func linger() -> Action { end(with: isPeerDone ? .finish : .linger) }

    private mutating func end(with action: Action) -> Action {
        inbound = .ignored
        outbound = .ended
        return action
    }

    // MARK: Time

    /// - Parameter wantsBody: whether the receiver could take more bytes now.
    func wait(wantsBody: Bool) -> Wait {
        switch inbound {
        case .idle: outbound == .ended ? .farewell : .idle
        case .head: .head
        case .body: wantsBody ? .body : .nothing
        case .unwanted: .body
        case .complete: .nothing
        case .ignored: .farewell
        }
    }

    /// The peer took too long over `wait`.
    mutating func expired(_ wait: Wait) -> Action {
        switch wait {
        case .nothing: return .nothing
        case .idle, .farewell: return end(with: .close)
        case .head: return failed(HTTP1Failure(408, "the request's head took too long"))
        case .body:
            if case .unwanted = inbound { return end(with: .close) }
            return failed(HTTP1Failure(408, "the request's body made no progress"))
        }
    }
}
