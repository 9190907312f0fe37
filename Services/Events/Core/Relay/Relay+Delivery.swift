import Journal
import Loop
import Postgres

extension Relay {
    /// Starts as many deliveries as may be under way, and sees to it that it is looked at again.
    func pump(_ run: SubscriptionRun) {
        guard run.order.isActive, !run.isStopped else { return }
        while run.queue.count > 0, run.flying < allowance(run) {
            let pause = run.pace.take(loop.clock.now)
            guard pause == .zero else { return look(at: run, after: pause) }
            run.flying += 1
            flying += 1
            start(run) { relay, run in
                await relay.deliver(run)
                run.flying -= 1
                relay.flying -= 1
                relay.pump(run)
            }
        }
        loadRows(run)
        if run.hasRoom { refill(run) }
        if let until = run.circuit.closedUntil(now: .now) { look(at: run, after: .until(until)) }
    }

    private func allowance(_ run: SubscriptionRun) -> Int {
        let most = flying < parts.settings.deliveriesAtOnce ? run.order.concurrency : min(1, run.order.concurrency)
        return run.circuit.allowance(now: .now, concurrency: most)
    }

    /// One after the other, as long as there is something: a task is not made for each.
    private func deliver(_ run: SubscriptionRun) async {
        while !run.isStopped, run.order.isActive {
            let batch = run.queue.next(atMost: run.order.batch)
            guard let first = batch.first else { return }
            let attempt = DeliveryAttempt(
                id: PostgresUUID.random().description, number: (batch.map(\.attempts).min() ?? 0) + 1)
            let began = PostgresTimestamp.now
            parts.metrics.flying.set(Double(flying))
            let outcome = await parts.sender.send(batch.map(\.event), to: run.order.destination, attempt: attempt)
            // Nobody knows what became of it: whoever owns the subscription now tries again.
            guard !run.isStopped else { return }
            settle(run, batch, outcome, attempt, began)
            if run.window.count < SubscriptionRun.windowMax / 2 { refill(run) }
            guard first.event.cursor != .start, run.flying <= allowance(run) else { return }
            guard run.queue.count > 0 else { return }
            let pause = run.pace.take(loop.clock.now)
            guard pause == .zero else { return look(at: run, after: pause) }
        }
    }

    private func settle(
        _ run: SubscriptionRun, _ batch: [DeliveryItem], _ outcome: DeliveryOutcome, _ attempt: DeliveryAttempt,
        _ began: PostgresTimestamp
    ) {
        let now = PostgresTimestamp.now
        let wasClosed = run.circuit.closedUntil(now: now) != nil
        run.circuit.record(outcome.kind, now: now, chance: .random(in: 0..<1))
        let closed = run.circuit.closedUntil(now: now)
        if case .delivered = outcome.kind {
            parts.metrics.delivered.add(batch.count)
            if let last = batch.last {
                parts.metrics.lag.set(Double(now.microseconds - last.event.time.microseconds) / 1e6)
            }
            run.outbox.delivered += Int64(batch.count)
            run.outbox.lastDelivered = now
            if run.order.closedUntil != nil {
                run.order.closedUntil = nil
                run.outbox.circuit = (nil, "")
            }
        } else {
            parts.metrics.failed.add()
            if let closed, !wasClosed || closed != run.order.closedUntil {
                run.order.closedUntil = closed
                run.outbox.circuit = (closed, outcome.description)
            }
        }
        var next: PostgresTimestamp?
        for item in batch { next = settle(run, item, outcome, now) ?? next }
        for subject in Set(batch.map(\.event.subject)) { run.queue.release(subject) }
        log(run, batch, outcome, attempt, began, next)
        if run.outbox.isUrgent { bells[run.order.shard].ring() }
    }

    /// - Returns: when it is tried again.
    private func settle(
        _ run: SubscriptionRun, _ item: DeliveryItem, _ outcome: DeliveryOutcome, _ now: PostgresTimestamp
    ) -> PostgresTimestamp? {
        var item = item
        item.attempts += 1
        let step = parts.retry.next(
            attempt: item.attempts, outcome: outcome.kind, since: item.since, now: now, limit: run.order.limit,
            chance: .random(in: 0..<1))
        switch step {
        case .done: finish(run, item)
        case .dead(let reason):
            parts.metrics.dead.add()
            run.outbox.dead.append(
                .init(item: item, reason: reason, outcome: outcome.description, lastAttempt: now))
            finish(run, item)
        case .retry(let time):
            keep(run, item, due: time, outcome: outcome.description)
            return time
        case .ended:
            keep(run, item, due: now, outcome: outcome.description)
            run.outbox.ended = outcome.description
            run.order.isActive = false
        }
        return nil
    }

    private func finish(_ run: SubscriptionRun, _ item: DeliveryItem) {
        if item.isRow {
            run.outbox.gone.insert(item.event.cursor)
            if run.order.isOrdered { run.freed.insert(item.event.subject) }
        } else {
            run.window.finish(item.event.cursor)
        }
    }

    /// Makes a row of an event, or changes the one that it has.
    private func keep(_ run: SubscriptionRun, _ item: DeliveryItem, due: PostgresTimestamp, outcome: String) {
        run.outbox.waiting[item.event.cursor] = .init(item: item, due: due, outcome: outcome)
        run.rowsWait(from: due)
        if !item.isRow { run.window.finish(item.event.cursor) }
        guard run.order.isOrdered else { return }
        run.blocked.insert(item.event.subject)
        run.failing.insert(item.event.subject)
        run.rowsGeneration += 1
        for later in run.queue.withdraw(item.event.subject) {
            if later.isRow { run.lent.remove(later.event.cursor) } else { run.park(later) }
        }
    }

    private func log(
        _ run: SubscriptionRun, _ batch: [DeliveryItem], _ outcome: DeliveryOutcome, _ attempt: DeliveryAttempt,
        _ began: PostgresTimestamp, _ next: PostgresTimestamp?
    ) {
        if case .delivered = outcome.kind {
            let second = began.microseconds / 1_000_000
            if run.loggedSecond != second { (run.loggedSecond, run.loggedCount) = (second, 0) }
            run.loggedCount += 1
            guard run.loggedCount <= parts.settings.loggedPerSecond else { return }
        }
        run.outbox.log.append(
            .init(
                attempt: attempt, events: batch.map(\.event.id).joined(separator: "\n"), at: began, outcome: outcome,
                next: next))
    }

    /// Pumps again after a while; the earliest wish counts.
    func look(at run: SubscriptionRun, after pause: Duration) {
        let pause = max(.milliseconds(1), min(pause, .seconds(30)))
        let time = loop.clock.now.advanced(by: pause)
        guard run.timer == nil || time < run.looksAt else { return }
        run.timer?.cancel()
        run.looksAt = time
        run.timer = loop.schedule(after: pause) { [weak self, weak run] in
            guard let self, let run else { return }
            self.assumeIsolated { relay in
                run.timer = nil
                relay.pump(run)
            }
        }
    }
}

extension Duration {
    static func until(_ time: PostgresTimestamp) -> Duration {
        let (left, overflow) = time.microseconds.subtractingReportingOverflow(PostgresTimestamp.now.microseconds)
        return overflow ? .seconds(3600) : .microseconds(max(0, left))
    }
}
