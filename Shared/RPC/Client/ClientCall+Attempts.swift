import HTTP
import Loop

extension ClientCall {
    /// Asks for a connection.
    func submit() {
        guard outcome == nil else { return }
        isWaitingForRoute = true
        transport.submit(self)
    }

    /// Starts an attempt on a connection.
    /// - Returns: false where the connection takes no stream; the call then still waits.
    func begin(on route: any CallRoute) -> Bool {
        guard outcome == nil else { return true }
        let remaining = deadline.map { max(.nanoseconds(1), loop.clock.now.duration(to: $0)) }
        let body = form.dialect == .connectUnary ? requests.only : nil
        let head = form.head(
            request, core, on: route, body: body, remaining: remaining, attempt: decision.attempts)
        reader = form.makeReader()
        isAttempting = true
        guard let stream = route.open(head, receiver: self, end: form.isGet(body)) else {
            isAttempting = false
            return false
        }
        isWaitingForRoute = false
        // In process the answer may have come already.
        guard isAttempting, outcome == nil else { return true }
        self.stream = stream
        self.route = route
        sendRequests()
        return true
    }

    /// The response is complete, or can't be taken any further.
    func attemptEnded(_ outcome: CallOutcome) {
        if let error = outcome.error, !requests.isCommitted {
            let verdict = decision.failed(
                error, policy: form.retry, throttle: core.throttle, chance: core.configuration.chance)
            if tryAgain(verdict) { return }
        }
        settle(outcome)
    }

    /// The stream closed before the response was complete.
    func streamLost(_ closure: StreamClosure) {
        stream = nil
        route = nil
        isAttempting = false
        let error = ClientCall.error(closure)
        // No attempt would fare better: neither a refusal nor a failure of the server's, which a policy may repeat.
        if case .headTooLarge = closure { return settle(CallOutcome(error: error)) }
        if !requests.isCommitted {
            if closure == .refused, tryAgain(decision.refused()) { return }
            let verdict = decision.failed(
                error, policy: form.retry, throttle: core.throttle, chance: core.configuration.chance)
            if tryAgain(verdict) { return }
        }
        settle(CallOutcome(error: error))
    }

    private func tryAgain(_ verdict: RetryDecision.Verdict) -> Bool {
        guard case .again(let pause) = verdict else { return false }
        // The caller would not live to see it: the reason is worth more than a passed deadline.
        if let deadline, loop.clock.now.advanced(by: pause) >= deadline { return false }
        letStreamGo()
        isAttempting = false
        metadata = nil
        requests.rewind()
        core.attemptRepeated()
        if pause == .zero {
            submit()
        } else {
            retryTimer = loop.schedule(after: pause) { [weak self] in self?.submit() }
        }
        return true
    }

    private static func error(_ closure: StreamClosure) -> RPCError {
        switch closure {
        case .finished, .reset(.noError, _):
            RPCError(.internal, "the server closed the stream without a status")
        case .refused: RPCError(.unavailable, "the server refuses streams")
        case .headTooLarge(let size, let limit):
            RPCError(
                .resourceExhausted,
                "the call's metadata make a head of \(size) bytes, and the server takes at most \(limit)")
        case .connectionLost(let reason): RPCError(.unavailable, "the connection was lost: \(reason)")
        case .reset(_, byPeer: false): RPCError(.internal, "the response's head is larger than is allowed")
        case .reset(.cancel, _): RPCError(.cancelled, "the server cancelled the stream")
        case .reset(.enhanceYourCalm, _): RPCError(.resourceExhausted, "the server asks to be called less often")
        case .reset(.inadequateSecurity, _):
            RPCError(.permissionDenied, "the server finds the connection not secure enough")
        case .reset(let code, _):
            RPCError(.internal, "the server ended the stream with HTTP/2's error \(code.rawValue)")
        }
    }
}
