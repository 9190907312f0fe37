import Journal
import Loop
import Postgres

extension Relay {
    private static let rowsAtOnce = 200

    /// Brings rows whose time has come into the queue.
    func loadRows(_ run: SubscriptionRun) {
        guard let next = run.nextRow, !run.isLoading, !run.isStopped, run.order.isActive else { return }
        guard run.queue.count < Relay.rowsAtOnce else { return }
        guard run.circuit.allowance(now: .now, concurrency: run.order.concurrency) > 0 else { return }
        guard next <= .now else { return look(at: run, after: .until(next)) }
        run.isLoading = true
        // Who wishes for a look from here on may mean rows that this one does not see.
        run.nextRow = nil
        let generation = run.rowsGeneration
        start(run) { relay, run in
            let found = try? await relay.store.due(
                run.order.id, isOrdered: run.order.isOrdered, except: Array(run.lent), limit: Relay.rowsAtOnce)
            run.isLoading = false
            guard !run.isStopped else { return }
            guard let found else {
                run.rowsWait(from: PostgresTimestamp.now.advanced(by: .seconds(1)))
                return relay.pump(run)
            }
            guard generation == run.rowsGeneration else {
                run.rowsWait(from: .now)
                return relay.pump(run)
            }
            // What is not written yet can't have been read; when it is, that is said by whoever writes it.
            if let next = found.next { run.rowsWait(from: next) }
            for row in found.items where !run.failing.contains(row.event.subject) {
                if run.lent.insert(row.event.cursor).inserted { run.queue.append(row) }
            }
            for lost in found.lost {
                run.outbox.dead.append(
                    .init(
                        item: lost, reason: "forgotten", outcome: "the journal does not keep it any more",
                        lastAttempt: nil))
                run.outbox.gone.insert(lost.event.cursor)
                if run.order.isOrdered { run.freed.insert(lost.event.subject) }
            }
            if found.lost.count > 0 { relay.bells[run.order.shard].ring() }
            relay.pump(run)
        }
    }
}
