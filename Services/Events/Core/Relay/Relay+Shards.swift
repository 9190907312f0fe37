import Journal
import Leases
import Loop
import Postgres

extension Relay {
    /// Works on the subscriptions of a shard until the task is cancelled or `isLeaving` says so; what became of events is
    /// written before it returns, unless the lease is lost.
    func serve(_ shard: Int, _ lease: Lease, orders: OrderReader, changes: PostgresBell) async throws {
        let reloading = Task { try await self.reload(shard, orders: orders, changes: changes) }
        defer { reloading.cancel() }
        do {
            while true {
                try await bells[shard].wait(upTo: .milliseconds(250), on: loop)
                try Task.checkCancellation()
                try await write(shard, lease, isLast: false)
                // What comes meanwhile is written together.
                try await loop.sleep(for: parts.settings.writeInterval)
            }
        } catch is LeaseError {
            abandon(shard)
            throw CancellationError()
        } catch {
            // Asked to stop: what is out may come back for a while.
            await Task { await self.leave(shard, lease) }.value
            throw error
        }
    }

    private func leave(_ shard: Int, _ lease: Lease) async {
        let leaving = runs.values.filter { $0.order.shard == shard }
        for run in leaving { run.order.isActive = false }
        let patience = loop.clock.now.advanced(by: .seconds(3))
        while leaving.contains(where: { $0.flying > 0 }), loop.clock.now < patience {
            try? await bells[shard].wait(upTo: .milliseconds(100), on: loop)
        }
        try? await write(shard, lease, isLast: true)
        abandon(shard)
    }

    func abandon(_ shard: Int) { for run in runs.values where run.order.shard == shard { drop(run) } }

    private func drop(_ run: SubscriptionRun) {
        run.isStopped = true
        run.timer?.cancel()
        for task in run.tasks.values { task.cancel() }
        if runs[run.order.id] === run { runs[run.order.id] = nil }
        parts.metrics.subscriptions.set(Double(runs.count))
    }

    /// Reads the shard's subscriptions, and again whenever somebody changed one.
    private func reload(_ shard: Int, orders: OrderReader, changes: PostgresBell) async throws {
        while true {
            do {
                // One shard at a time: a start would otherwise ask for a connection for each at once.
                while isReadingOrders { try await loop.sleep(for: .milliseconds(5)) }
                isReadingOrders = true
                defer { isReadingOrders = false }
                take(try await orders.orders(shard: shard), shard: shard)
                await feed.carry(isUrgent: runs.values.contains(where: \.order.isActive))
            } catch {
                try Task.checkCancellation()
                parts.logger.warning("subscriptions can't be read", ["error": .string("\(error)")])
                try await loop.sleep(for: .seconds(1))
                continue
            }
            try await changes.wait(upTo: .seconds(60), on: loop)
        }
    }

    private func take(_ orders: [SubscriptionOrder], shard: Int) {
        guard !Task.isCancelled else { return }
        var missing = Set(runs.values.filter { $0.order.shard == shard }.map(\.order.id))
        for order in orders {
            missing.remove(order.id)
            if let run = runs[order.id] {
                guard run.order.revision != order.revision || run.order.epoch != order.epoch else { continue }
                // Where it only got other settings it goes on where it is; else it begins anew.
                if run.order.epoch == order.epoch, run.order.isOrdered == order.isOrdered {
                    var order = order
                    order.known = run.order.known
                    let wasActive = run.order.isActive
                    run.order = order
                    run.pace = DeliveryPace(perMinute: order.ratePerMinute)
                    let isReopened = order.closedUntil == nil && run.circuit.closedUntil(now: .now) != nil
                    if order.isActive, !wasActive || isReopened { run.circuit.reset() }
                    if order.hasRows { run.rowsWait(from: .now) }
                    pump(run)
                    continue
                }
                drop(run)
            }
            let run = SubscriptionRun(order, circuit: parts.circuit(), now: loop.clock.now)
            runs[order.id] = run
            pump(run)
        }
        for id in missing { if let run = runs[id] { drop(run) } }
        parts.metrics.subscriptions.set(Double(runs.count))
        parts.metrics.openCircuits.set(Double(runs.values.count { $0.circuit.closedUntil(now: .now) != nil }))
    }

    /// Writes what became of the shard's events, and how far each subscription is.
    private func write(_ shard: Int, _ lease: Lease, isLast: Bool) async throws {
        let now = loop.clock.now
        var written: [(run: SubscriptionRun, report: RelayReport)] = []
        for run in runs.values where run.order.shard == shard && !run.isStopped {
            guard isLast || run.outbox.isUrgent || isDue(run, now) else { continue }
            let report = RelayReport(
                id: run.order.id, epoch: run.order.epoch, cursor: run.window.done, pending: Int64(run.window.count),
                outbox: run.outbox, workspace: run.order.workspace, name: run.order.name,
                keepsOrder: run.order.isOrdered, subjects: Array(run.freed))
            run.outbox = RelayOutbox()
            run.freed = []
            written.append((run, report))
        }
        guard !written.isEmpty else { return }
        do {
            let accepted = try await store.write(written.map(\.report), under: lease)
            for (run, report) in written {
                // Somebody moved it, or removed it: it is read anew.
                guard let blocked = accepted[report.id] else { drop(run); continue }
                confirm(run, report, blocked, now)
            }
        } catch let error as LeaseError {
            throw error
        } catch {
            parts.metrics.writeFailures.add()
            parts.logger.warning("how far deliveries are can't be written", ["error": .string("\(error)")])
            for (run, report) in written where !run.isStopped {
                run.outbox.merge(older: report.outbox)
                run.freed.formUnion(report.subjects)
            }
            if isLast { return }
            try await loop.sleep(for: .milliseconds(500))
        }
    }

    /// Rows are written soon; a cursor alone, which only says where to begin after a crash, now and then.
    private func isDue(_ run: SubscriptionRun, _ now: LoopInstant) -> Bool {
        guard run.window.done != run.written || run.outbox.delivered > 0 else { return false }
        let interval = run.outbox.delivered > 0 ? parts.settings.cursorInterval : .seconds(10)
        return run.writtenAt.advanced(by: interval) <= now
    }

    private func confirm(_ run: SubscriptionRun, _ report: RelayReport, _ blocked: Set<String>, _ now: LoopInstant) {
        run.written = report.cursor
        run.writtenAt = now
        for (place, row) in report.outbox.waiting {
            run.lent.remove(place)
            if row.due < .distantFuture, run.outbox.waiting[place] == nil { run.failing.remove(row.item.event.subject) }
        }
        run.rowsGeneration += 1
        for place in report.outbox.gone { run.lent.remove(place) }
        if let due = report.outbox.waiting.values.map(\.due).min(), due < .distantFuture { run.rowsWait(from: due) }
        for subject in report.subjects {
            if blocked.contains(subject) {
                run.rowsWait(from: .now)
            } else if run.outbox.waiting.values.contains(where: { $0.item.event.subject == subject }) {
                // It came after the writing began: whoever writes it looks again which is the first.
                run.freed.insert(subject)
            } else {
                run.blocked.remove(subject)
            }
        }
        guard !run.isStopped else { return }
        pump(run)
    }
}
