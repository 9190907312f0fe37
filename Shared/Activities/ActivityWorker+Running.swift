import Leases
import Loop
import Postgres

extension ActivityWorker {
    /// Does all there is to do for a claimed lease.
    func perform(_ lease: Lease, _ handler: any ActivityHandler, _ run: ActivityRun) async {
        guard let id = PostgresUUID(lease.name) else { return }
        let activity: Activity
        do {
            guard let begun = try await begin(id, lease, handler) else { return }
            activity = begun
        } catch {
            configuration.onEvent(
                (error as? LeaseError) == nil ? .cannotRecord(id, error: "\(error)") : .lost(id))
            return
        }
        let outbox = ActivityOutbox(activity, pool: activities.pool, loop: activities.loop)
        let context = ActivityContext(activity: activity, lease: lease, pool: activities.pool, outbox: outbox)
        do {
            try await leases.keep(lease, onRenewal: { await self.lookForCancel(id, run) }) { _ in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await outbox.run() }
                    group.addTask { await self.listenForCancel(id, run) }
                    let outcome = await run.execute { try await handler.run(context) }
                    outbox.finish()
                    // The log is complete before the activity is.
                    await group.next()
                    if run.stopReason != .leaseLost { await self.conclude(activity, lease, handler, run, outcome) }
                    group.cancelAll()
                }
            }
        } catch {
            configuration.onEvent(.lost(id))
        }
        if run.stopReason == .leaseLost { configuration.onEvent(.lost(id)) }
    }

    /// Marks the activity as running, or ends it where it may not run again.
    /// - Returns: nil where there is nothing to run.
    private func begin(
        _ id: PostgresUUID, _ lease: Lease, _ handler: any ActivityHandler
    ) async throws -> Activity? {
        try await persistently { transaction in
            try await lease.assertHeld(in: transaction)
            guard let activity = try await Activities.lock(id, in: transaction) else {
                try await Leases.close(lease, in: transaction)
                return nil
            }
            // Written already, by a try whose answer was lost.
            if activity.state == .running, activity.fence == lease.fence { return activity }
            switch ActivityRules.step(activity.state, .claimed(self.trial(activity, handler))) {
            case .run:
                return try await self.markRunning(activity, lease, in: transaction)
            case .finish(let state, let reason):
                let failure = reason.map { ActivityFailure(code: $0.rawValue, $0.message) }
                try await self.finish(activity, lease, state, nil, failure, in: transaction)
            default: try await Leases.close(lease, in: transaction)
            }
            return nil
        }
    }

    private func markRunning(
        _ activity: Activity, _ lease: Lease, in transaction: PostgresTransaction
    ) async throws -> Activity? {
        let changed = try await transaction.query(
            """
            UPDATE activities.activities SET state = 'running', attempts = attempts + 1, fence = \(lease.fence),
                worker = \(lease.holder), started_at = coalesce(started_at, clock_timestamp())
            WHERE id = \(activity.id) RETURNING \(unsafe: Activity.columns)
            """
        ).all(Activity.self).first
        guard let changed else { return nil }
        let reason = activity.state == .running ? "the process that ran it died" : nil
        try await Activities.record(
            changed, "run", actor: lease.holder, reason: reason, from: activity.state, in: transaction)
        return changed
    }

    private func finish(
        _ activity: Activity, _ lease: Lease, _ state: ActivityState, _ result: PostgresJSON?,
        _ failure: ActivityFailure?, in transaction: PostgresTransaction
    ) async throws {
        let message = failure.map { ActivityOutbox.clipped($0.message, 4096) }
        let code = failure.map { ActivityOutbox.clipped($0.code, 128) }
        let changed = try await transaction.query(
            """
            UPDATE activities.activities SET state = \(state), result = \(state == .succeeded ? result : nil),
                error_code = \(code), error_message = \(message), finished_at = clock_timestamp(),
                fraction = CASE WHEN \(state == .succeeded) THEN 1 ELSE fraction END
            WHERE id = \(activity.id) RETURNING \(unsafe: Activity.columns)
            """
        ).all(Activity.self).first
        try await Leases.close(lease, in: transaction)
        guard let changed else { return }
        try await Activities.record(
            changed, "finish", actor: lease.holder, reason: message, from: activity.state, in: transaction)
    }

    /// Writes what became of an attempt.
    private func conclude(
        _ activity: Activity, _ lease: Lease, _ handler: any ActivityHandler, _ run: ActivityRun,
        _ outcome: Result<PostgresJSON?, any Error>
    ) async {
        var ending = ActivityEnding(outcome, wasStopped: run.stopReason == .shutdown)
        if let error = ending.hiddenError {
            configuration.onEvent(.handlerFailed(activity.id, kind: activity.kind, error: error))
        }
        do {
            if let result = ending.result { try ActivityRequest.check("result", result) }
        } catch {
            ending = ActivityEnding(.failure(ActivityFailure(code: "result_too_large", "\(error)")), wasStopped: false)
        }
        let written = ending
        do {
            try await persistently { transaction in
                try await lease.assertHeld(in: transaction)
                guard let now = try await Activities.lock(activity.id, in: transaction) else { return }
                let event = ActivityRules.Event.ended(written.end, self.trial(now, handler))
                switch ActivityRules.step(now.state, event) {
                case .finish(let state, let reason):
                    let said = state == .cancelled && !written.isInOwnWords ? nil : written.failure
                    // What the last attempt met is what a person can mend.
                    let last = written.isInOwnWords ? said.map { "; the last time: \($0.message)" } ?? "" : ""
                    let failure = reason.map { ActivityFailure(code: $0.rawValue, $0.message + last) } ?? said
                    try await self.finish(now, lease, state, written.result, failure, in: transaction)
                case .handBack(let isCounted):
                    try await self.handBack(now, lease, written, isCounted, in: transaction)
                default: try await Leases.close(lease, in: transaction)
                }
            }
        } catch is LeaseError {
            // Lost; or written by a try whose answer was lost, which closed the lease.
        } catch {
            configuration.onEvent(.cannotRecord(activity.id, error: "\(error)"))
        }
    }

    private func handBack(
        _ activity: Activity, _ lease: Lease, _ ending: ActivityEnding, _ isCounted: Bool,
        in transaction: PostgresTransaction
    ) async throws {
        let changed = try await transaction.query(
            """
            UPDATE activities.activities SET state = 'pending', attempts = attempts - \(isCounted ? 0 : 1)
            WHERE id = \(activity.id) RETURNING \(unsafe: Activity.columns)
            """
        ).all(Activity.self).first
        try await Leases.release(lease, after: isCounted ? ending.pause : .zero, in: transaction)
        guard let changed else { return }
        try await Activities.record(
            changed, "hand-back", actor: lease.holder, reason: ending.failure?.message, from: activity.state,
            in: transaction)
    }

    private func trial(_ activity: Activity, _ handler: any ActivityHandler) -> ActivityRules.Trial {
        ActivityRules.Trial(
            isResumable: handler.isResumable, attempts: activity.attempts, attemptsMax: activity.attemptsMax)
    }

    /// Runs a transaction that bears being run again, until it is answered: as long as the lease can last.
    private func persistently<Outcome>(
        _ body: (PostgresTransaction) async throws -> Outcome
    ) async throws -> Outcome {
        let clock = activities.loop.clock
        let end = clock.now.advanced(by: configuration.leaseDuration)
        var failures = 0
        while true {
            do {
                return try await activities.pool.transaction(body)
            } catch let error as PostgresError where error.isTrouble {
                failures += 1
                let pause = Duration.milliseconds(25) * (1 << min(failures, 6))
                guard clock.now.advanced(by: pause) < end else { throw error }
                try await activities.loop.sleep(for: pause)
            }
        }
    }

    /// Hears of the wish to cancel at once; `lookForCancel` comes with each renewal, should that go unheard.
    private func listenForCancel(_ id: PostgresUUID, _ run: ActivityRun) async {
        await activities.signals.withBell([Activities.cancelTopic(id)]) { bell in
            // It may have been said before the bell was hung up.
            await lookForCancel(id, run)
            while !Task.isCancelled {
                do { try await bell.wait(upTo: .seconds(3600), on: activities.loop) } catch { return }
                await lookForCancel(id, run)
            }
        }
    }

    private func lookForCancel(_ id: PostgresUUID, _ run: ActivityRun) async {
        let state = try? await activities.pool.read(
            "SELECT state FROM activities.activities WHERE id = \(id)",
            // The renewals wait for it.
            timeout: min(.seconds(5), configuration.leaseDuration / 6)
        ).all(ActivityState.self).first
        if state == .cancelling { run.stop(.cancelRequested) }
    }
}
