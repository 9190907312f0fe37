import Testing

@testable import HTTP

@Suite("The rules of an HTTP/1 server connection")
struct HTTP1ServerStateTests {
    private typealias State = HTTP1ServerState

    private func state(_ change: (inout HTTP1ServerState.Request) -> Void = { _ in }) -> HTTP1ServerState {
        var state = State()
        var request = State.Request()
        change(&request)
        state.headBegan()
        state.received(request)
        return state
    }

    @Test("a request and its answer lead to the next request")
    func exchange() {
        var state = state()
        #expect(state.inbound == .complete && state.outbound == .awaited)
        #expect(
            state.responseBegan(.init(status: 200, completeLength: 3))
                == .init(framing: .length(3), addsLength: 3, connection: .unsaid))
        #expect(state.responseEnded(bodyLeft: 0) == .next)
        #expect(state.inbound == .idle && state.outbound == .idle)
    }

    @Test("the answer's framing follows from the request and what is known of the length")
    func framing() {
        typealias Case = (
            request: State.Request, response: State.Response, framing: HTTP1Framing, connection: State.Plan.Connection
        )
        let cases: [Case] = [
            (.init(), .init(status: 200), .chunked, .unsaid),
            (.init(), .init(status: 200, contentLength: 5), .length(5), .unsaid),
            (.init(), .init(status: 200, contentLength: 0), .none, .unsaid),
            (.init(), .init(status: 204), .none, .unsaid),
            (.init(), .init(status: 304, contentLength: 5), .none, .unsaid),
            (.init(isHead: true), .init(status: 200, contentLength: 5), .none, .unsaid),
            (.init(), .init(status: 200, wantsClose: true), .chunked, .close),
            (.init(keepsAlive: false), .init(status: 200), .chunked, .close),
            (.init(isVersion11: false, keepsAlive: false), .init(status: 200), .untilClose, .close),
            (.init(isVersion11: false, keepsAlive: true), .init(status: 200), .untilClose, .close),
            (.init(isVersion11: false, keepsAlive: true), .init(status: 200, contentLength: 1), .length(1), .keepAlive),
        ]
        for item in cases {
            var state = state { $0 = item.request }
            let plan = state.responseBegan(item.response)
            #expect(plan.framing == item.framing && plan.connection == item.connection, "\(item)")
            #expect(state.responseEnded(bodyLeft: 0) == (item.connection == .close ? .linger : .next), "\(item)")
        }
    }

    @Test("who expects 100 Continue hears it once, unless the answer came first")
    func expectation() {
        var welcome = state { ($0.hasBody, $0.expectsContinue) = (true, true) }
        #expect(welcome.receiverChosen() == .sendContinue)
        #expect(welcome.receiverChosen() == .nothing)
        var refused = state { ($0.hasBody, $0.expectsContinue) = (true, true) }
        #expect(refused.responseBegan(.init(status: 413, completeLength: 2)).connection == .close)
        #expect(refused.receiverChosen() == .nothing)
        #expect(refused.responseEnded(bodyLeft: 10) == .linger)
    }

    @Test("an unwanted body is skipped while it is small")
    func unwanted() {
        var small = state { $0.hasBody = true }
        _ = small.responseBegan(.init(status: 404, completeLength: 0))
        #expect(small.responseEnded(bodyLeft: 1000) == .nothing)
        #expect(small.inbound == .unwanted(skipped: 0))
        #expect(small.skipped(1000) == .nothing)
        #expect(small.requestEnded() == .next)

        var large = state { $0.hasBody = true }
        _ = large.responseBegan(.init(status: 404, completeLength: 0))
        #expect(large.responseEnded(bodyLeft: State.skipAllowance + 1) == .linger)

        var endless = state { $0.hasBody = true }
        _ = endless.responseBegan(.init(status: 404, completeLength: 0))
        #expect(endless.responseEnded(bodyLeft: nil) == .nothing)
        #expect(endless.skipped(State.skipAllowance + 1) == .linger)
        #expect(endless.inbound == .ignored)
    }

    @Test("the peer's end is no obstacle to an answer that it waits for")
    func peerEnded() {
        var idle = State()
        #expect(idle.peerEnded() == .finish)
        var waiting = state()
        #expect(waiting.peerEnded() == .nothing)
        #expect(waiting.responseBegan(.init(status: 200)).connection == .close)
        #expect(waiting.responseEnded(bodyLeft: 0) == .finish)
        var cut = state { $0.hasBody = true }
        #expect(cut.peerEnded() == .finish)
    }

    @Test("a failure is answered where no answer has begun")
    func failures() {
        let failure = HTTP1Failure(400, "why")
        var head = State()
        head.headBegan()
        #expect(head.failed(failure) == .refuse(failure))
        var body = state { $0.hasBody = true }
        #expect(body.failed(failure) == .refuse(failure))
        var begun = state { $0.hasBody = true }
        _ = begun.responseBegan(.init(status: 200))
        #expect(begun.failed(failure) == .close)
        #expect(begun.failed(failure) == .close)
    }

    @Test("draining ends an idle connection at once and a busy one after its answer")
    func draining() {
        var idle = State()
        #expect(idle.drain() == .finish)
        var busy = state()
        #expect(busy.drain() == .nothing)
        #expect(busy.responseBegan(.init(status: 200)).connection == .close)
        #expect(busy.responseEnded(bodyLeft: 0) == .linger)
    }

    @Test("each thing that is waited for has its own end")
    func time() {
        var idle = State()
        #expect(idle.wait(wantsBody: true) == .idle && idle.expired(.idle) == .close)
        var head = State()
        head.headBegan()
        #expect(head.wait(wantsBody: true) == .head)
        guard case .refuse(let failure) = head.expired(.head) else { Issue.record("not refused"); return }
        #expect(failure.status == 408)
        #expect(head.wait(wantsBody: true) == .farewell && head.expired(.farewell) == .close)
        let body = state { $0.hasBody = true }
        #expect(body.wait(wantsBody: true) == .body && body.wait(wantsBody: false) == .nothing)
        #expect(state().wait(wantsBody: true) == .nothing)
    }
}

@Suite("The rules of an HTTP/1 client connection")
struct HTTP1ClientStateTests {
    @Test("a whole exchange leaves the connection for the next one")
    func reuse() {
        var state = HTTP1ClientState()
        state.opened(isHead: false, wantsClose: false)
        #expect(!state.canOpen)
        state.requestEnded()
        #expect(state.received(status: 103, framing: .none, keepsAlive: true) == .skipHead)
        #expect(state.received(status: 200, framing: .length(3), keepsAlive: true) == .takeHead(.length(3)))
        #expect(state.responseEnded() == .finish(keep: true))
        #expect(state.canOpen)
    }

    @Test("the connection is spent where it can't be known what comes next")
    func spent() {
        var early = HTTP1ClientState()
        early.opened(isHead: false, wantsClose: false)
        _ = early.received(status: 413, framing: .none, keepsAlive: true)
        #expect(early.responseEnded() == .finish(keep: false) && early.isSpent)

        var close = HTTP1ClientState()
        close.opened(isHead: false, wantsClose: false)
        close.requestEnded()
        _ = close.received(status: 200, framing: .none, keepsAlive: false)
        #expect(close.responseEnded() == .finish(keep: false) && close.isSpent)
    }

    @Test("the peer's end is the body's end only where nothing else is")
    func peerEnded() {
        var open = HTTP1ClientState()
        open.opened(isHead: false, wantsClose: false)
        open.requestEnded()
        _ = open.received(status: 200, framing: .untilClose, keepsAlive: false)
        #expect(open.peerEnded() == .finish(keep: false))
        for framing in [HTTP1Framing.length(3), .chunked] {
            var cut = HTTP1ClientState()
            cut.opened(isHead: false, wantsClose: false)
            cut.requestEnded()
            _ = cut.received(status: 200, framing: framing, keepsAlive: true)
            guard case .fail = cut.peerEnded() else { Issue.record("\(framing)"); continue }
        }
    }

    @Test("unasked bytes, protocol changes and endless 1xx heads fail the connection")
    func rudeness() {
        var idle = HTTP1ClientState()
        guard case .fail = idle.received(status: 200, framing: .none, keepsAlive: true) else {
            Issue.record("accepted"); return
        }
        var state = HTTP1ClientState()
        state.opened(isHead: false, wantsClose: false)
        guard case .fail = state.received(status: 101, framing: .none, keepsAlive: true) else {
            Issue.record("accepted"); return
        }
        state = HTTP1ClientState()
        state.opened(isHead: false, wantsClose: false)
        for _ in 0..<HTTP1ClientState.interimLimit {
            #expect(state.received(status: 100, framing: .none, keepsAlive: true) == .skipHead)
        }
        guard case .fail = state.received(status: 100, framing: .none, keepsAlive: true) else {
            Issue.record("accepted"); return
        }
    }
}
