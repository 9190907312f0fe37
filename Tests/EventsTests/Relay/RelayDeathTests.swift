import Contracts
import Journal
import Leases
import Loop
import Postgres
import Testing

@testable import EventsCore

/// A relay is killed after each of its steps; another one goes on.
@Suite(.serialized) struct RelayDeathTests {
    @Test(
        "killed after deliveries and before the cursor is written, all of them are delivered again, with the same ids")
    func afterDelivery() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            try await fixture.subscribe("all", receiver)
            let ids = try await fixture.happen((0..<5).map { "models/a:\($0)" })
            let first = try DoomedRelay(fixture, receiver) {
                $0.cursorInterval = .seconds(3600); $0.loggedPerSecond = 0
            }
            try await eventually("all came") { receiver.ids("http://all").count == 5 }
            first.kill()
            #expect(try await fixture.get("all").delivered == 0)
            let second = TestRelay(fixture, receiver)
            try await eventually("all came again") { receiver.ids("http://all").count == 10 }
            try await second.stop()
            #expect(Set(receiver.ids("http://all").suffix(5)) == Set(ids))
        }
    }

    @Test("killed after the cursor is written, nothing is delivered again")
    func afterCursor() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            try await fixture.subscribe("all", receiver)
            try await fixture.happen(["models/a:1", "models/a:2"])
            let first = try DoomedRelay(fixture, receiver)
            try await eventually("it is written") { try await fixture.get("all").delivered == 2 }
            first.kill()
            let second = TestRelay(fixture, receiver)
            let last = try await fixture.happen(["models/a:3"])
            try await eventually("the next came") { receiver.ids("http://all").contains(last[0]) }
            try await second.stop()
            #expect(receiver.ids("http://all").count == 3)
        }
    }

    @Test("killed after a failure became a row, the event is delivered by whoever comes next, and what was done is not")
    func afterRow() async throws {
        try await withFixture { fixture in
            let isUp = Lock(false)
            let receiver = Receiver { delivery in
                delivery.event.subject == "models/bad:1" && !isUp.withLock { $0 }
                    ? .failed(retryAfter: nil) : .delivered
            }
            try await fixture.subscribe("all", receiver)
            let ids = try await fixture.happen(["models/bad:1", "models/good:1"])
            let first = try DoomedRelay(fixture, receiver)
            try await eventually("one waits, one is done") {
                let subscription = try await fixture.get("all")
                return subscription.delivered == 1 && subscription.waiting == 1
            }
            first.kill()
            isUp.withLock { $0 = true }
            let second = TestRelay(fixture, receiver)
            try await eventually("nothing waits") { try await fixture.get("all").waiting == 0 }
            try await second.stop()
            #expect(receiver.ids("http://all").filter { $0 == ids[1] }.count == 1)
            #expect(try await fixture.get("all").delivered == 2)
        }
    }

    @Test("killed after an event was given up, it stays one dead letter")
    func afterDeadLetter() async throws {
        try await withFixture { fixture in
            let receiver = Receiver { $0.event.subject == "models/bad:1" ? .refused : .delivered }
            try await fixture.subscribe("all", receiver)
            let ids = try await fixture.happen(["models/bad:1"])
            let first = try DoomedRelay(fixture, receiver)
            try await eventually("it is dead") { try await fixture.get("all").deadLetters == 1 }
            first.kill()
            let second = TestRelay(fixture, receiver)
            let last = try await fixture.happen(["models/good:1"])
            try await eventually("the next came") { receiver.ids("http://all").contains(last[0]) }
            try await second.stop()
            #expect(receiver.ids("http://all").filter { $0 == ids[0] }.count == 1)
            #expect(try await fixture.get("all").deadLetters == 1)
        }
    }

    @Test("killed while a subject waits behind its first event, its events keep their order")
    func whileParked() async throws {
        try await withFixture { fixture in
            let isUp = Lock(false)
            let accepted = Lock<[String]>([])
            let receiver = Receiver { delivery in
                guard isUp.withLock({ $0 }) else { return .failed(retryAfter: nil) }
                accepted.withLock { accepted in
                    if !accepted.contains(delivery.event.id) { accepted.append(delivery.event.id) }
                }
                return .delivered
            }
            try await fixture.subscribe("all", receiver) { $0.ordered = true }
            let ids = try await fixture.happen((0..<20).map { _ in "models/a:1" })
            let first = try DoomedRelay(fixture, receiver)
            try await eventually("all wait") { try await fixture.get("all").waiting == 20 }
            first.kill()
            isUp.withLock { $0 = true }
            let second = TestRelay(fixture, receiver)
            try await eventually("nothing waits") { try await fixture.get("all").waiting == 0 }
            try await second.stop()
            #expect(accepted.withLock { $0 } == ids)
        }
    }

    @Test("a relay whose lease was taken writes nothing more")
    func fencing() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            try await fixture.subscribe("all", receiver)
            try await fixture.happen(["models/a:1"])
            let loop = fixture.loops.next()
            let old = Leases(fixture.pool, holder: "old", loop: loop)
            let kind = RelayService.shardKind
            let lease = try #require(try await old.claim(kind, "1", for: .milliseconds(100)))
            let new = Leases(fixture.pool, holder: "new", loop: loop)
            try await eventually("another one took it") { try await new.claim(kind, "1", for: .seconds(60)) != nil }
            let before = try await fixture.get("all").cursor
            let report = RelayReport(
                id: 1, epoch: 0, cursor: JournalCursor(transaction: 1 << 40, id: 1), pending: 0, outbox: RelayOutbox(),
                workspace: "default", name: "all", keepsOrder: false, subjects: [])
            let store = RelayStore(pool: fixture.pool, mapping: PlainMapping())
            await #expect(throws: LeaseError.self) { _ = try await store.write([report], under: lease) }
            #expect(try await fixture.get("all").cursor == before)
        }
    }

    @Test("two instances share the subscriptions, and each event comes once when one of them leaves in order")
    func sharing() async throws {
        try await withFixture { fixture in
            let (one, two) = (Receiver(), Receiver())
            for number in 0..<8 { try await fixture.subscribe("s\(number)", one) }
            let first = TestRelay(fixture, one, name: "one")
            let second = TestRelay(fixture, two, name: "two")
            try await eventually("both hold shards") {
                try await fixture.pool.query(
                    """
                    SELECT count(*) FROM leases.leases WHERE kind = \(RelayService.shardKind) AND holder IS NOT NULL
                    GROUP BY split_part(holder, '-', 1) HAVING count(*) = 8
                    """
                ).all(Int64.self).count == 2
            }
            try await fixture.happen((0..<20).map { "models/a:\($0)" })
            func count(_ receivers: Receiver...) -> Int {
                receivers.reduce(0) { $0 + $1.state.withLock { $0.deliveries.count } }
            }
            try await eventually("all came") { count(one, two) >= 160 }
            #expect(count(one, two) == 160)
            let shared = count(two)
            try await first.stop()
            try await fixture.happen((0..<20).map { "models/b:\($0)" })
            try await eventually("the other one has all") { count(one, two) >= 320 }
            #expect(count(two) == shared + 160)
            #expect(count(one, two) == 320)
            try await second.stop()
        }
    }
}
