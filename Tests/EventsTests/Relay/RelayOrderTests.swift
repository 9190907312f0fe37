import Contracts
import Journal
import Loop
import Postgres
import Testing

@testable import EventsCore

@Suite(.serialized) struct RelayOrderTests {
    @Test("what happens while a subject's first event is removed does not wait for ever")
    func parkedMeanwhile() async throws {
        try await withFixture { fixture in
            let accepted = Lock<[String]>([])
            let receiver = Receiver { delivery in
                if delivery.attempt.number < 2, (Int(delivery.event.id) ?? 0) % 4 == 0 {
                    return .failed(retryAfter: nil)
                }
                accepted.withLock { accepted in
                    if !accepted.contains(delivery.event.id) { accepted.append(delivery.event.id) }
                }
                return .delivered
            }
            let relay = TestRelay(fixture, receiver, retry: QuickRetry(pause: 1000), circuit: { NoCircuit() }) {
                $0.writeInterval = .milliseconds(1)
            }
            try await fixture.subscribe("all", receiver) { $0.ordered = true }
            let ids = try await fixture.happen((0..<300).map { _ in "models/a:1" })
            try await eventually("all were accepted") { accepted.withLock { $0.count } == ids.count }
            try await eventually("nothing waits") { try await fixture.get("all").waiting == 0 }
            try await relay.stop()
            #expect(accepted.withLock { $0 } == ids)
        }
    }

    @Test("a subscription that gives its order up delivers what waited behind others")
    func givingOrderUp() async throws {
        try await withFixture { fixture in
            let isBad = Lock<String?>(nil)
            let picky = Receiver { delivery in
                isBad.withLock { $0 == delivery.event.id } ? .failed(retryAfter: nil) : .delivered
            }
            try await fixture.subscribe("all", picky) { $0.ordered = true }
            let ids = try await fixture.happen((0..<5).map { _ in "models/a:1" })
            isBad.withLock { $0 = ids[0] }
            let relay = TestRelay(fixture, picky, retry: QuickRetry(pause: 3_600_000_000))
            try await eventually("all wait") { try await fixture.get("all").waiting == 5 }
            var update = Slipway.Events.V1.UpdateSubscriptionRequest()
            update.name = "all"
            update.ordered = false
            _ = try await fixture.store(picky).update(update, by: fixture.change)
            try await eventually("four were delivered") { try await fixture.get("all").delivered == 4 }
            try await relay.stop()
            #expect(try await fixture.get("all").waiting == 1)
        }
    }

    @Test("an event that nobody knows any more becomes a dead letter, and its subject goes on")
    func forgotten() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            try await fixture.subscribe("all", receiver) { $0.ordered = true }
            let ids = try await fixture.happen(["models/a:1"])
            try await fixture.pool.execute(
                """
                INSERT INTO events.waiting (subscription, transaction, id, event, subject, since, due)
                SELECT 1, transaction::text::bigint, id, id::text, subject, now(), 'infinity' FROM journal.entries
                WHERE action = 'model.registered'
                """)
            try await fixture.pool.execute(
                """
                INSERT INTO events.waiting (subscription, transaction, id, event, subject, since, due)
                VALUES (1, 1, 1, 'lost', 'models/a:1', now(), now())
                """)
            let relay = TestRelay(fixture, receiver)
            try await eventually("one is dead") { try await fixture.get("all").deadLetters == 1 }
            try await eventually("the other came") { receiver.ids("http://all") == ids }
            try await eventually("nothing waits") { try await fixture.get("all").waiting == 0 }
            try await relay.stop()
        }
    }

    @Test("a row that failed keeps its time when the one before it goes")
    func keepsTime() async throws {
        try await withFixture { fixture in
            let picky = Lock<[String: Int]>([:])
            let times = Lock<[String: Int]>([:])
            let receiver = Receiver { delivery in
                times.withLock { $0[delivery.event.id, default: 0] += 1 }
                return picky.withLock { ($0[delivery.event.id] ?? 0) >= delivery.attempt.number }
                    ? .failed(retryAfter: nil) : .delivered
            }
            try await fixture.subscribe("all", receiver) { $0.ordered = true }
            let ids = try await fixture.happen(["models/a:1", "models/a:1"])
            picky.withLock { $0 = [ids[0]: 1, ids[1]: 100] }
            let relay = TestRelay(fixture, receiver, retry: QuickRetry(pause: 2_000_000))
            try await eventually("the first was delivered") { try await fixture.get("all").delivered == 1 }
            try await eventually("the second failed") { times.withLock { ($0[ids[1]] ?? 0) > 0 } }
            let log = Slipway.Events.V1.ListDeliveriesRequest(name: "all", event: ids[1])
            try await eventually("it failed twice") {
                try await fixture.store(receiver).deliveries(log, in: fixture.workspace).deliveries.count >= 2
            }
            let deliveries = try await fixture.store(receiver).deliveries(log, in: fixture.workspace).deliveries
            let (second, first) = (deliveries[deliveries.count - 2], deliveries[deliveries.count - 1])
            let (earlier, later) = (
                try #require(first.at.flatMap { PostgresTimestamp($0) }),
                try #require(second.at.flatMap { PostgresTimestamp($0) })
            )
            #expect(later.microseconds - earlier.microseconds >= 1_900_000)
            try await relay.stop()
        }
    }

    @Test("a resumed subscription that was never paused tries what failed at once")
    func hurry() async throws {
        try await withFixture { fixture in
            let isUp = Lock(false)
            let receiver = Receiver { _ in isUp.withLock { $0 } ? .delivered : .failed(retryAfter: nil) }
            try await fixture.subscribe("all", receiver)
            try await fixture.happen(["models/a:1"])
            let relay = TestRelay(fixture, receiver, retry: QuickRetry(pause: 3_600_000_000))
            try await eventually("it waits") { try await fixture.get("all").waiting == 1 }
            isUp.withLock { $0 = true }
            _ = try await fixture.store(receiver).resume(.init(name: "all"), by: fixture.change)
            try await eventually("it came") { try await fixture.get("all").delivered == 1 }
            try await relay.stop()
        }
    }
}
