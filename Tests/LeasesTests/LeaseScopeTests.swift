import Leases
import Loop
import Postgres
import Testing

private struct Sleepless: Error {}

@Suite("the scope of a lease")
struct LeaseScopeTests {
    /// Leases whose time the test moves; the database's connections keep real time.
    private func withManualTime(
        _ pool: PostgresPool, _ body: (Leases, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let group = try LoopGroup(count: 1, clock: clock)
        try group.start()
        defer { group.stop() }
        try await body(Leases(pool, holder: "ada", loop: group.loops[0]), clock)
    }

    /// Sleeps until it is cancelled, while the time goes on.
    private func sleep(_ clock: ManualClock) async throws {
        let loop = TestDatabase.loops.loops[1]
        // In steps: a timer that is set late counts from then on.
        for _ in 0..<1_000_000 {
            try await loop.sleep(for: .milliseconds(1))
            clock.advance(by: .seconds(1))
        }
        throw Sleepless()
    }

    @Test("the lease is held inside, given back after, and given back when the body throws")
    func scope() async throws {
        try await TestDatabase.withPool { pool in
            let leases = Leases(pool, holder: "ada", loop: TestDatabase.loops.loops[1])
            let fence = try await leases.withLease("scope", "a") { lease in
                try await pool.transaction { try await lease.assertHeld(in: $0) }
                await #expect(throws: LeaseError.taken(kind: "scope", name: "a")) {
                    try await leases.withLease("scope", "a") { _ in }
                }
                return lease.fence
            }
            await #expect(throws: Sleepless.self) {
                try await leases.withLease("scope", "a") { _ in throw Sleepless() }
            }
            #expect(try await leases.withLease("scope", "a") { $0.fence } > fence)
        }
    }

    @Test("who waits gets the lease when it is given back")
    func patience() async throws {
        try await TestDatabase.withPool { pool in
            let leases = Leases(pool, holder: "ada", loop: TestDatabase.loops.loops[1])
            let waiting = try await leases.withLease("scope", "b", for: .seconds(600)) { _ in
                Task { try await leases.withLease("scope", "b", waitingUpTo: .seconds(600)) { $0.fence } }
            }
            #expect(try await waiting.value > 0)
        }
    }

    @Test("a lease that somebody took over cancels the body's task with the next heartbeat")
    func takenOver() async throws {
        try await TestDatabase.withPool { pool in
            try await withManualTime(pool) { leases, clock in
                let bob = Leases(pool, holder: "bob", loop: TestDatabase.loops.loops[1])
                await #expect(throws: LeaseError.self) {
                    try await leases.withLease("scope", "c", for: .seconds(30)) { lease in
                        try await pool.expire(lease)
                        #expect(try await bob.claim("scope", "c", for: .seconds(600)) != nil)
                        try await self.sleep(clock)
                    }
                }
                // Not given back: it is Bob's.
                let stolen = try await bob.claim("scope", "c", for: .seconds(1))
                #expect(stolen == nil)
            }
        }
    }

    @Test("a lease that can't be renewed counts as lost once its time has passed, and not before")
    func unreachable() async throws {
        try await TestDatabase.withPool { pool in
            try await withManualTime(pool) { leases, clock in
                let lease = try #require(try await leases.claim("scope", "d", for: .seconds(36)))
                await pool.close()
                let lost = LeaseError.lost(kind: "scope", name: "d", fence: lease.fence)
                await #expect(throws: lost) { try await leases.keep(lease) { _ in try await self.sleep(clock) } }
                #expect(clock.now.nanoseconds >= 36_000_000_000)
            }
        }
    }

    @Test("a body that returns in spite of the loss keeps its result")
    func result() async throws {
        try await TestDatabase.withPool { pool in
            try await withManualTime(pool) { leases, clock in
                let lease = try #require(try await leases.claim("scope", "e", for: .seconds(30)))
                try await pool.execute("DELETE FROM leases.leases WHERE kind = 'scope' AND name = 'e'")
                let value = try await leases.keep(lease) { _ in
                    do { try await self.sleep(clock) } catch is CancellationError {}
                    return 7
                }
                #expect(value == 7)
            }
        }
    }
}
