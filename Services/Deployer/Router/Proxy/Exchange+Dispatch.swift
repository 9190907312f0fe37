import HTTP
import Loop

extension Exchange {
    /// Leads the request to a replica now, or has it wait. Called again after each failed attempt, and when the table
    /// changes while it waits.
    func dispatch() {
        guard !isOver, attempt == nil, let known = endpoint else { return }
        // The table may have moved on since.
        guard let endpoint = shard.table.endpoints[known.deployment] else {
            return refuse(Refusal(.unavailable, "the deployment \(known.name) was just deleted"))
        }
        self.endpoint = endpoint
        guard let revision = choose(endpoint) else { return }
        self.revision = revision
        guard !revision.replicas.isEmpty else { return hold(endpoint) }
        stopHoldTimer()
        startDeadline(revision)
        if shard.isQueueing(revision.memory) || !tryNow(revision) { queue(revision) }
    }

    /// - Returns: false where no slot is free.
    func tryNow(_ revision: Revision) -> Bool {
        guard let replica = shard.take(of: revision, except: tried) else { return false }
        stopWaiting()
        stopWaitTimers()
        tries += 1
        let line = shard.line(to: replica)
        let attempt = Attempt(self, replica: replica, revision: revision, line: line)
        self.attempt = attempt
        self.replica = replica.id
        line.start(attempt, speaking: spoken)
        return true
    }

    private func choose(_ endpoint: Endpoint) -> Revision? {
        if let wanted = wantedRevision {
            if let revision = endpoint.revision(wanted) { return revision }
            let there = endpoint.revisions.map { "\($0.number)" }.joined(separator: ", ")
            refuse(
                Refusal(
                    .notFound,
                    "\(endpoint.name) has no revision \(wanted)" + (there.isEmpty ? "" : "; there is \(there)")))
            return nil
        }
        // Chosen once: neither a second try nor a wait takes another turn.
        if let revision, let same = endpoint.revision(revision.number), endpoint.plan?.contains(same.number) ?? false {
            return same
        }
        guard let plan = endpoint.plan else {
            hold(endpoint)
            return nil
        }
        let number: Int32
        if let stickiness {
            number = StickyRoute.revision(of: stickiness, plan)
        } else {
            number = plan.revision(turn: endpoint.memory.nextTurn())
        }
        if stickiness.map(StickyRoute.isOurs) ?? true { stickiness = StickyRoute.text(for: number) }
        return endpoint.revision(number)
    }

    // MARK: Waiting

    private func queue(_ revision: Revision) {
        guard wait != .queued else { return }
        let patience = revision.queueWait
        guard patience > .zero else { return refuse(Refusal(.unavailable, "all replicas are busy", retryAfter: 1)) }
        guard revision.memory.waiting.load(ordering: .relaxed) < revision.queueLength else {
            return refuse(
                Refusal(
                    .unavailable, "all replicas are busy and \(revision.queueLength) requests wait already",
                    retryAfter: 1))
        }
        if queueTimer == nil {
            queueTimer = loop.schedule(after: patience) { [weak self] in
                self?.refuse(Refusal(.unavailable, "all replicas were busy for \(patience)", retryAfter: 1))
            }
        }
        startWaiting(.queued, in: revision.memory)
        shard.enqueue(self, revision.memory)
    }

    private func hold(_ endpoint: Endpoint) {
        guard wait != .held else { return }
        let holding = endpoint.holding
        let said = holding.message.isEmpty ? "no replica of \(endpoint.name) is ready" : holding.message
        guard holding.holds, holding.atMost > .zero else {
            return refuse(Refusal(.unavailable, said, retryAfter: 1))
        }
        let counted = revision ?? endpoint.revisions.last
        let memory = counted?.memory ?? endpoint.memory.revision(0)
        guard memory.waiting.load(ordering: .relaxed) < counted?.queueLength ?? RouteDefaults().queueLength else {
            return refuse(
                Refusal(.unavailable, "\(said), and too many requests wait for one already", retryAfter: 5))
        }
        if holdTimer == nil {
            holdTimer = loop.schedule(after: holding.atMost) { [weak self] in
                self?.refuse(Refusal(.unavailable, "\(said), not after \(holding.atMost)", retryAfter: 5))
            }
        }
        startWaiting(.held, in: memory)
        shard.hold(self, endpoint)
    }

    private func startWaiting(_ kind: Wait, in memory: RevisionMemory) {
        wait = kind
        waitsIn = memory
        memory.waiting.add(1, ordering: .sequentiallyConsistent)
    }

    /// The table changed: where it waits may be no place any more. The time that it may wait goes on.
    func reconsider() {
        stopWaiting()
        dispatch()
    }

    /// No longer counted as one that waits; its entries in lists of the shard are skipped from here on.
    func stopWaiting() {
        waitsIn?.waiting.subtract(1, ordering: .sequentiallyConsistent)
        waitsIn = nil
        wait = .none
    }

    func stopWaitTimers() {
        queueTimer?.cancel()
        queueTimer = nil
        stopHoldTimer()
    }

    private func stopHoldTimer() {
        holdTimer?.cancel()
        holdTimer = nil
    }
}

/// The field `slipway-route`: ours names a revision, a caller's own text stands for one as long as the weights do.
enum StickyRoute {
    private static let start = "revision-"

    static func text(for revision: Int32) -> String { "\(start)\(revision)" }

    static func isOurs(_ text: String) -> Bool { text.hasPrefix(start) && Int32(text.dropFirst(start.count)) != nil }

    static func revision(of text: String, _ plan: SharePlan) -> Int32 {
        if isOurs(text), let number = Int32(text.dropFirst(start.count)), plan.contains(number) { return number }
        return plan.revision(for: text)
    }
}
