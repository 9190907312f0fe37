import Leases
import Loop
import Postgres
import Testing

@Suite("leases")
struct LeasesTests {
    private func leases(_ pool: PostgresPool, _ holder: String) -> Leases {
        Leases(pool, holder: holder, loop: TestDatabase.loops.loops[1])
    }

    @Test("one holds a name; the next gets it after a release, with a larger fence")
    func exclusion() async throws {
        try await TestDatabase.withPool { pool in
            let (ada, bob) = (leases(pool, "ada"), leases(pool, "bob"))
            let first = try #require(try await ada.claim("single", "a", for: .seconds(60)))
            #expect(try await bob.claim("single", "a", for: .seconds(60)) == nil)
            #expect(try await ada.claim("single", "a", for: .seconds(60)) == nil)
            #expect(try await ada.renew(first))
            try await ada.release(first)
            #expect(try await !ada.renew(first))
            let second = try #require(try await bob.claim("single", "a", for: .seconds(60)))
            #expect(second.fence > first.fence && second.holder == "bob")
        }
    }

    @Test("an expired lease is taken over; the old holder can neither renew nor change state")
    func takeOver() async throws {
        try await TestDatabase.withPool { pool in
            let (ada, bob) = (leases(pool, "ada"), leases(pool, "bob"))
            let old = try #require(try await ada.claim("single", "b", for: .seconds(60)))
            try await pool.transaction { try await old.assertHeld(in: $0) }
            try await pool.expire(old)
            // Expired and not taken: nobody else can have done anything.
            try await pool.transaction { try await old.assertHeld(in: $0) }
            let new = try #require(try await bob.claim("single", "b", for: .seconds(60)))
            #expect(new.fence > old.fence)
            #expect(try await !ada.renew(old))
            await #expect(throws: LeaseError.lost(kind: "single", name: "b", fence: old.fence)) {
                try await pool.transaction { try await old.assertHeld(in: $0) }
            }
            try await ada.release(old)
            try await pool.transaction { try await new.assertHeld(in: $0) }
        }
    }

    @Test("a state change under way makes a take-over wait, and a renewal not")
    func stateChange() async throws {
        try await TestDatabase.withPool { pool in
            let (ada, bob) = (leases(pool, "ada"), leases(pool, "bob"))
            try await pool.transaction { try await Leases.offer("change", "c", in: $0) }
            let old = try #require(try await ada.claimNext(["change"], for: .seconds(60)).leases.first)
            let taking = try await pool.transaction { transaction in
                try await old.assertHeld(in: transaction)
                #expect(try await ada.renew(old))
                try await pool.expire(old)
                // Who looks for any work goes past; who wants this name waits.
                #expect(try await bob.claimNext(["change"], for: .seconds(60)).leases.isEmpty)
                let taking = Task { try await bob.claim("change", "c", for: .seconds(60)) }
                while try await pool.read(
                    """
                    SELECT 1 FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO leases.leases%'
                    """
                ).isEmpty {}
                #expect(try await ada.renew(old))
                try await pool.expire(old)
                return taking
            }
            let new = try #require(try await taking.value)
            #expect(new.fence > old.fence)
        }
    }

    @Test("many that look for work at once get each piece once")
    func queue() async throws {
        try await TestDatabase.withPool { pool in
            let names = (0..<200).map { "piece \($0)" }
            try await pool.transaction { transaction in
                for name in names { try await Leases.offer("queue", name, in: transaction) }
                for name in names { try await Leases.offer("queue", name, in: transaction) }
            }
            let got = try await withThrowingTaskGroup(of: [Lease].self) { group in
                for worker in 0..<8 {
                    let mine = leases(pool, "worker \(worker)")
                    group.addTask {
                        var got: [Lease] = []
                        while true {
                            let claims = try await mine.claimNext(["queue", "other"], limit: 3, for: .seconds(600))
                            if claims.leases.isEmpty { return got }
                            got += claims.leases
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(got.map(\.name).sorted() == names.sorted())
            #expect(Set(got.map(\.fence)).count == names.count)
            let claims = try await leases(pool, "late").claimNext(["queue"], for: .seconds(1))
            #expect(claims.leases.isEmpty && (claims.nextAfter ?? .zero) > .seconds(300))
            try await pool.transaction { transaction in
                for lease in got { try await Leases.close(lease, in: transaction) }
            }
            #expect(try await leases(pool, "last").claimNext(["queue"], for: .seconds(1)).nextAfter == nil)
        }
    }

    @Test("work that is given back with a delay comes again after it")
    func delay() async throws {
        try await TestDatabase.withPool { pool in
            let mine = leases(pool, "ada")
            try await pool.transaction { try await Leases.offer("later", "d", in: $0) }
            let first = try #require(try await mine.claimNext(["later"], for: .seconds(60)).leases.first)
            try await mine.release(first, after: .seconds(3600))
            let claims = try await mine.claimNext(["later"], for: .seconds(60))
            #expect(claims.leases.isEmpty && (claims.nextAfter ?? .zero) > .seconds(3000))
        }
    }
}
