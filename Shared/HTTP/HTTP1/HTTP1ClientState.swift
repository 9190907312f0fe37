/// The rules of one HTTP/1 client connection: what happened goes in, what to do comes out. No bytes, no clock.
struct HTTP1ClientState: Equatable {
    /// What we are sending.
    enum Outbound: Equatable {
        /// Goes to `body`.
        case idle
        /// Goes to `ended`.
        case body
        /// Goes to `idle` when the response is there too.
        case ended
    }
    /// What the peer is sending.
    enum Inbound: Equatable {
        /// Goes to `head`.
        case idle
        /// Heads of 1xx may come before the final one. Goes to `body`, or to `idle`.
        case head(interim: Int)
        /// Goes to `idle`.
        case body(HTTP1Framing)
    }
    enum Action: Equatable {
        case nothing
        /// A head of 1xx: read on.
        case skipHead
        /// The final head, with its body's framing.
        case takeHead(HTTP1Framing)
        /// The exchange is over. The connection is kept for the next one or not.
        case finish(keep: Bool)
        /// The exchange fails, if there is one, and the connection closes.
        case fail(String)
    }

    /// Nobody has a reason to send more heads of 1xx than this.
    static let interimLimit = 32

    private(set) var outbound = Outbound.idle
    private(set) var inbound = Inbound.idle
    private(set) var isHead = false
    private(set) var isSpent = false
    private var keepsAlive = true

    var isIdle: Bool { outbound == .idle && inbound == .idle }
    var canOpen: Bool { isIdle && !isSpent }

    mutating func opened(isHead: Bool, wantsClose: Bool) {
        self.isHead = isHead
        keepsAlive = !wantsClose
        outbound = .body
        inbound = .head(interim: 0)
    }

    mutating func requestEnded() { if outbound == .body { outbound = .ended } }

    mutating func received(status: Int, framing: HTTP1Framing, keepsAlive: Bool) -> Action {
        guard case .head(let interim) = inbound else { return fail("a response came that nobody asked for") }
        if status == 101 { return fail("the peer changes the protocol unasked") }
        if status < 200 {
            inbound = .head(interim: interim + 1)
            return interim < HTTP1ClientState.interimLimit ? .skipHead : fail("too many heads of 1xx")
        }
        self.keepsAlive = self.keepsAlive && keepsAlive
        inbound = .body(framing)
        return .takeHead(framing)
    }

    /// The response's body came to its end.
    mutating func responseEnded() -> Action {
        guard case .body = inbound else { return .nothing }
        // An answer before the request's end means that the rest is not wanted; it can't be taken back.
        if outbound != .ended || !keepsAlive { isSpent = true }
        inbound = .idle
        outbound = .idle
        return .finish(keep: !isSpent)
    }

    /// The peer sends no more.
    mutating func peerEnded() -> Action {
        if inbound == .body(.untilClose) {
            keepsAlive = false
            return responseEnded()
        }
        return fail(
            isIdle ? "the peer closed the connection" : "the peer closed the connection before its answer's end")
    }

    mutating func fail(_ reason: String) -> Action {
        isSpent = true
        inbound = .idle
        outbound = .idle
        return .fail(reason)
    }

    /// Take no more requests.
    mutating func drain() -> Action {
        guard isIdle else {
            keepsAlive = false
            return .nothing
        }
        return fail("no longer needed")
    }
}
