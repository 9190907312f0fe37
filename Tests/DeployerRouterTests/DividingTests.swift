import HTTP
import Loop
import Testing

@testable import DeployerRouter

@Suite("Dividing requests among revisions", .serialized)
struct DividingTests {
    @Test("any run of a hundred turns is divided exactly, and a small share comes evenly")
    func plan() throws {
        let plan = try #require(SharePlan([(1, 90), (2, 10), (3, 0)]))
        for start in 0..<100 {
            let turns = (start..<start + 100).map { plan.revision(turn: $0) }
            #expect(turns.filter { $0 == 2 }.count == 10)
        }
        let places = plan.order.indices.filter { plan.order[$0] == 2 }
        #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 == 10 })
        #expect(SharePlan([(1, 0)]) == nil && SharePlan([]) == nil)
    }

    @Test("a caller's own text leads to one revision, and moves with few when the weights do")
    func texts() throws {
        let before = try #require(SharePlan([(1, 90), (2, 10)]))
        let after = try #require(SharePlan([(1, 80), (2, 20)]))
        let users = (0..<2000).map { "user-\($0)" }
        let share = users.filter { before.revision(for: $0) == 2 }.count
        #expect((120...280).contains(share), "\(share) of 2000")
        #expect(users.allSatisfy { before.revision(for: $0) != 2 || after.revision(for: $0) == 2 })
    }

    @Test("1,000 requests at 90 to 10 give exactly 900 and 100, over two loops and many connections")
    func exact() async throws {
        try await RouterFixture.run(loops: 2) { fixture in
            let (one, two) = (TestReplica("one"), TestReplica("two"))
            let addresses: [Int32: [String]] = [
                1: [try await one.start(on: fixture.loops)], 2: [try await two.start(on: fixture.loops)],
            ]
            try await fixture.adopt(.sample(shares: [(1, 90), (2, 10)], addresses))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        for _ in 0..<50 {
                            let answer = try await fixture.ask("/endpoints/acme/churn/")
                            #expect(answer.status == 200)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(one.requests == 900 && two.requests == 100)
            let reports = fixture.router.reports()
            #expect(reports.map(\.report.requests) == [900, 100])
            #expect(reports.allSatisfy { $0.report.failures == 0 && $0.report.inFlight == 0 })
            #expect(reports[0].report.latencies.reduce(0, +) == 900)
            await one.stop()
            await two.stop()
        }
    }

    @Test(
        "the answer's route field leads back to its revision, a revision is asked for by number, and neither takes a turn"
    )
    func sticky() async throws {
        try await RouterFixture.run { fixture in
            let (one, two) = (TestReplica("one"), TestReplica("two"))
            let addresses: [Int32: [String]] = [
                1: [try await one.start(on: fixture.loops)], 2: [try await two.start(on: fixture.loops)],
            ]
            try await fixture.adopt(.sample(shares: [(1, 50), (2, 50)], addresses))
            let first = try await fixture.ask("/endpoints/acme/churn/")
            let route = try #require(first.fields["slipway-route"])
            for _ in 0..<10 {
                let again = try await fixture.ask("/endpoints/acme/churn/", fields: ["slipway-route": route])
                #expect(again.fields["x-replica"] == first.fields["x-replica"])
                #expect(again.fields["slipway-route"] == route)
                let chosen = try await fixture.ask("/endpoints/acme/churn/", fields: ["slipway-revision": "2"])
                #expect(chosen.fields["x-replica"] == "two" && chosen.fields["slipway-revision"] == "2")
            }
            let own = try await fixture.ask("/endpoints/acme/churn/", fields: ["slipway-route": "user-7"])
            #expect(own.fields["slipway-route"] == "user-7")
            // The next turn is still the second.
            let next = try await fixture.ask("/endpoints/acme/churn/")
            #expect(next.fields["x-replica"] != first.fields["x-replica"])
            // A revision without a share any more is left.
            try await fixture.adopt(.sample(version: 2, shares: [(2, 100)], addresses))
            let moved = try await fixture.ask("/endpoints/acme/churn/", fields: ["slipway-route": "revision-1"])
            #expect(moved.fields["slipway-route"] == "revision-2" && moved.fields["x-replica"] == "two")
            await one.stop()
            await two.stop()
        }
    }
}
