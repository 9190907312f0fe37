import Loop
import Postgres

extension Leases {
    /// Claims the name, runs `body` while it is held, and gives it back.
    ///
    /// The lease is renewed meanwhile. When it is lost, the task of `body` is cancelled; what `body` writes is
    /// protected by `Lease.assertHeld` alone, because a task may notice late.
    /// - Parameter patience: how long to wait for another holder.
    /// - Throws: `LeaseError.taken`, `LeaseError.lost`, and what `body` throws.
    public func withLease<Outcome: Sendable>(
        _ kind: String, _ name: String, for duration: Duration = .seconds(30), waitingUpTo patience: Duration = .zero,
        _ body: @escaping @Sendable (Lease) async throws -> Outcome
    ) async throws -> Outcome {
        let lease = try await claim(kind, name, for: duration, waitingUpTo: patience)
        let outcome: Result<Outcome, any Error>
        do {
            outcome = .success(try await keep(lease, body))
        } catch {
            outcome = .failure(error)
        }
        // Also for a cancelled task. What can't be given back expires.
        await Task { try? await release(lease) }.value
        return try outcome.get()
    }

    /// Renews a claimed lease for as long as `body` runs, and cancels its task when the lease is lost. Does not give it
    /// back.
    /// - Parameter onRenewal: called after each renewal, for what has to be looked at as often.
    /// - Throws: `LeaseError.lost` where that made `body` fail, and otherwise what `body` throws.
    public func keep<Outcome: Sendable>(
        _ lease: Lease, onRenewal: @escaping @Sendable () async -> Void = {},
        _ body: @escaping @Sendable (Lease) async throws -> Outcome
    ) async throws -> Outcome {
        try await withThrowingTaskGroup(of: Part<Outcome>.self) { group in
            group.addTask { await heartbeat(lease, onRenewal) ? .stopped : .lost }
            group.addTask {
                do { return .ended(.success(try await body(lease))) } catch { return .ended(.failure(error)) }
            }
            var isLost = false
            while let part = try await group.next() {
                switch part {
                case .stopped: continue
                case .lost:
                    isLost = true
                    group.cancelAll()
                case .ended(let outcome):
                    group.cancelAll()
                    if isLost, case .failure = outcome { throw lease.lost }
                    return try outcome.get()
                }
            }
            throw lease.lost
        }
    }

    private enum Part<Outcome: Sendable>: Sendable {
        case ended(Result<Outcome, any Error>)
        case lost
        /// Nobody needs the heartbeat any more.
        case stopped
    }

    /// - Returns: false when the lease is lost, true when the task is cancelled.
    private func heartbeat(_ lease: Lease, _ onRenewal: @Sendable () async -> Void) async -> Bool {
        var beat = LeaseHeartbeat(duration: lease.duration, heldSince: lease.heldSince)
        while !Task.isCancelled {
            let now = loop.clock.now
            switch beat.step(at: now) {
            case .lost: return false
            case .wait(let pause): try? await loop.sleep(for: pause)
            case .renew(let limit):
                do {
                    guard try await renew(lease, timeout: limit) else {
                        beat.refused()
                        continue
                    }
                    beat.renewed(sentAt: now)
                    await onRenewal()
                } catch {
                    beat.failed(at: loop.clock.now)
                }
            }
        }
        return true
    }

    private func claim(
        _ kind: String, _ name: String, for duration: Duration, waitingUpTo patience: Duration
    ) async throws -> Lease {
        if let lease = try await claim(kind, name, for: duration) { return lease }
        let end = loop.clock.now.advanced(by: patience)
        guard patience > .zero else { throw LeaseError.taken(kind: kind, name: name) }
        let signals = PostgresSignals(pool, channels: [Leases.channel])
        return try await signals.withBell([PostgresSignals.Topic(Leases.channel, kind)]) { bell in
            let listening = Task { try await signals.run() }
            defer { listening.cancel() }
            while true {
                if let lease = try await claim(kind, name, for: duration) { return lease }
                let left = loop.clock.now.duration(to: end)
                guard left > .zero else { throw LeaseError.taken(kind: kind, name: name) }
                // Releases ring; an expiry does not.
                let expiry = try await untilClaimable(kind, name)
                try await bell.wait(upTo: min(left, max(expiry, .milliseconds(20))), on: loop)
            }
        }
    }

    private func untilClaimable(_ kind: String, _ name: String) async throws -> Duration {
        let found = try await pool.read(
            """
            SELECT (extract(epoch FROM claimable_at - clock_timestamp()) * 1000000)::bigint FROM leases.leases
            WHERE kind = \(kind) AND name = \(name)
            """)
        return .microseconds(try found.all(Int64.self).first ?? 0)
    }
}
