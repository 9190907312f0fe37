import HTTP
import Loop
import ServiceKit

extension Exchange {
    /// Whether the caller said itself how long it waits.
    var hasOwnDeadline: Bool { isGRPC && head.fields.contains("grpc-timeout") }

    /// From when a request has begun to be led on until its answer is whole.
    func startDeadline(_ revision: Revision) {
        guard deadline == nil else { return }
        var timeout = revision.timeout
        if isGRPC, let wanted = head.fields.text("grpc-timeout").flatMap(GRPCTimeout.read) { timeout = wanted }
        deadline = loop.schedule(after: timeout) { [weak self] in self?.ranOut(timeout) }
    }

    private func ranOut(_ timeout: Duration) {
        guard !isOver else { return }
        if let stream, stream.isHeadSent {
            finish(failed: true)
            return stream.reset(.cancel)
        }
        refuse(Refusal(.timeout, "there was no answer within \(timeout)"))
    }

    /// Answers without a replica.
    func refuse(_ refusal: Refusal) {
        guard !isOver else { return }
        status = refusal.kind.status
        if isGRPC { callStatus = refusal.kind.code.number }
        if let stream {
            refusal.send(to: stream, isGRPC: isGRPC) { addOwn(to: &$0) }
        }
        finish(failed: refusal.kind.isOurs, refused: attempt == nil && tries == 0)
    }

    /// What the router says of itself in every answer.
    func addOwn(to fields: inout HeaderFields) {
        fields.add("x-request-id", requestID)
        guard let revision else { return }
        fields.add("slipway-revision", "\(revision.number)")
        if let stickiness { fields.add("slipway-route", stickiness) }
    }

    /// Nothing more happens, but that the caller reads. Once.
    /// - Parameter refused: no replica was asked.
    func finish(failed: Bool, refused: Bool = false) {
        guard !isOver else { return }
        isOver = true
        stopWaiting()
        stopWaitTimers()
        deadline?.cancel()
        deadline = nil
        let attempt = self.attempt
        self.attempt = nil
        attempt?.giveUp()
        body.drop()
        // What the caller still sends is read and thrown away.
        body.giveBack(to: stream)
        let duration = began.duration(to: loop.clock.now)
        if let memory = revision?.memory {
            if refused { memory.refusals.add(1, ordering: .relaxed) }
            memory.answered(after: duration, failed: failed)
        }
        if settings.logsRequests { log(duration) }
        stream = nil
    }

    private func log(_ duration: Duration) {
        let path = head.path
        shard.logger.info(
            "request",
            [
                "id": .string(requestID), "method": .string(head.method.description), "path": .string(path),
                "host": .string(head.authority), "deployment": .string(endpoint?.name.description ?? ""),
                "revision": .integer(Int(revision?.number ?? 0)), "replica": .string(replica ?? ""),
                "status": .integer(status), "call_status": .integer(callStatus ?? 0), "tries": .integer(tries),
                "received": .integer(body.received), "sent": .integer(answeredBytes), "duration": LogValue(duration),
                "key": .string(keyName ?? ""), "peer": .string(peer.address),
                "protocol": .string(head.version.description),
            ])
    }
}

/// The field `grpc-timeout`: at most eight digits and a unit.
enum GRPCTimeout {
    static func read(_ text: String) -> Duration? {
        guard let unit = text.last, (1...8).contains(text.count - 1), let number = Int64(text.dropLast()), number >= 0
        else { return nil }
        return switch unit {
        case "H": .seconds(number * 3600)
        case "M": .seconds(number * 60)
        case "S": .seconds(number)
        case "m": .milliseconds(number)
        case "u": .microseconds(number)
        case "n": .nanoseconds(number)
        default: nil
        }
    }
}
