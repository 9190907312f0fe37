import Contracts
import Journal
import Loop
import Postgres
import RPC
import Testing

@testable import EventsCore

@Suite(.serialized) struct RelayTests {
    @Test("each event of its filter and workspace is delivered once while nothing fails")
    func happyPath() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            let relay = TestRelay(fixture, receiver)
            try await fixture.subscribe("all", receiver)
            try await fixture.subscribe("churn", receiver) { $0.filter = "models/churn" }
            let ids = try await fixture.happen(
                (0..<200).map { "models/\($0.isMultiple(of: 2) ? "churn" : "fraud"):\($0)" })
            try await fixture.happen(["models/churn:1"], workspace: "other")
            try await eventually("all came") { receiver.ids("http://all").count >= 200 }
            try await eventually("half came") { receiver.ids("http://churn").count >= 100 }
            try await relay.stop()
            #expect(Set(receiver.ids("http://all")) == Set(ids))
            #expect(receiver.ids("http://all").count == 200)
            #expect(receiver.ids("http://churn").count == 100)
            let subscription = try await fixture.get("all")
            #expect(subscription.delivered == 200)
            #expect(subscription.waiting == 0)
            #expect(subscription.lastDeliveredAt != nil)
        }
    }

    @Test("what failed is tried again, and what is given up becomes a dead letter that can be delivered once more")
    func retryAndDeadLetters() async throws {
        try await withFixture { fixture in
            let isUp = Lock(false)
            let receiver = Receiver { delivery in
                if delivery.event.subject == "models/refused:1" { return isUp.withLock { $0 } ? .delivered : .refused }
                return delivery.event.subject == "models/slow:1" && delivery.attempt.number < 3
                    ? .failed(retryAfter: nil) : .delivered
            }
            let relay = TestRelay(fixture, receiver)
            try await fixture.subscribe("all", receiver)
            let ids = try await fixture.happen(["models/slow:1", "models/refused:1", "models/good:1"])
            try await eventually("two were delivered") { try await fixture.get("all").delivered == 2 }
            try await eventually("one is dead") { try await fixture.get("all").deadLetters == 1 }
            #expect(receiver.ids("http://all").filter { $0 == ids[0] }.count == 3)

            var list = Slipway.Events.V1.ListDeadLettersRequest()
            list.name = "all"
            let letter = try #require(
                try await fixture.store(receiver).deadLetters(list, in: fixture.workspace).letters.first)
            #expect(letter.event?.id == ids[1])
            #expect(letter.reason == "refused")
            #expect(letter.attempts == 1)
            #expect(letter.lastOutcome == "Unavailable")

            isUp.withLock { $0 = true }
            var again = Slipway.Events.V1.RedeliverRequest()
            again.name = "all"
            #expect(try await fixture.store(receiver).redeliver(again, by: fixture.change) == 1)
            try await eventually("it was delivered") { try await fixture.get("all").delivered == 3 }
            try await eventually("nothing waits") { try await fixture.get("all").waiting == 0 }
            #expect(try await fixture.get("all").deadLetters == 0)

            var attempts = Slipway.Events.V1.ListDeliveriesRequest()
            attempts.name = "all"
            attempts.event = ids[0]
            let log = try await fixture.store(receiver).deliveries(attempts, in: fixture.workspace).deliveries
            #expect(log.map(\.attempt) == [3, 2, 1])
            #expect(log.map(\.delivered) == [true, false, false])
            try await relay.stop()
        }
    }

    @Test("events of one subject keep their order though some fail, and other subjects do not wait for them")
    func order() async throws {
        try await withFixture { fixture in
            let receiver = Receiver { delivery in
                // Every third event of the first subject fails twice.
                let isBad = delivery.event.subject == "models/a" && (Int(delivery.event.id) ?? 0) % 3 == 0
                return isBad && delivery.attempt.number < 3 ? .failed(retryAfter: nil) : .delivered
            }
            let relay = TestRelay(fixture, receiver)
            try await fixture.subscribe("all", receiver) { $0.ordered = true }
            let ids = try await fixture.happen((0..<60).map { "models/\(["a", "b", "c"][$0 % 3])" })
            try await eventually("all were delivered") { try await fixture.get("all").delivered >= 60 }
            try await relay.stop()
            for (index, subject) in ["a", "b", "c"].enumerated() {
                let wanted = ids.enumerated().filter { $0.offset % 3 == index }.map(\.element)
                var seen: [String] = []
                for id in receiver.events("http://all").filter({ $0.subject == "models/\(subject)" }).map(\.id)
                where seen.last != id { seen.append(id) }
                #expect(seen == wanted)
            }
            #expect(try await fixture.get("all").waiting == 0)
        }
    }

    @Test("a paused subscription gets nothing, and what waited when it is resumed")
    func pause() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            let relay = TestRelay(fixture, receiver)
            try await fixture.subscribe("all", receiver)
            try await fixture.happen(["models/a:1"])
            try await eventually("the first came") { receiver.ids("http://all").count == 1 }
            var pause = Slipway.Events.V1.PauseRequest()
            pause.name = "all"
            pause.reason = "holiday"
            let paused = try await fixture.store(receiver).pause(pause, by: fixture.change)
            #expect(paused.state == .paused)
            #expect(paused.reason == "holiday")
            try await eventually("the relay heard of it") { await relay.service.relay.serves("all") == false }
            // Another subscription shows that the relay is past the event.
            try await fixture.subscribe("other", receiver)
            let ids = try await fixture.happen(["models/a:2", "models/a:3"])
            try await eventually("the other got it") { receiver.ids("http://other").count == 2 }
            #expect(receiver.ids("http://all").count == 1)
            var resume = Slipway.Events.V1.ResumeRequest()
            resume.name = "all"
            _ = try await fixture.store(receiver).resume(resume, by: fixture.change)
            try await eventually("what waited came") { Set(receiver.ids("http://all")).isSuperset(of: ids) }
            try await relay.stop()
        }
    }

    @Test("a replay from a place delivers all that came after it once more")
    func replay() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            let relay = TestRelay(fixture, receiver)
            try await fixture.subscribe("all", receiver)
            let ids = try await fixture.happen((0..<10).map { "models/a:\($0)" })
            try await eventually("all came") { receiver.ids("http://all").count == 10 }
            try await eventually("it is written") { try await fixture.get("all").delivered == 10 }
            var request = Slipway.Events.V1.ReplayRequest()
            request.name = "all"
            request.after = receiver.events("http://all").first { $0.id == ids[3] }?.cursor.description ?? ""
            _ = try await fixture.store(receiver).replay(request, by: fixture.change)
            try await eventually("six came again") { receiver.ids("http://all").count >= 16 }
            try await relay.stop()
            let again = receiver.ids("http://all").dropFirst(10)
            #expect(Set(again) == Set(ids[4...]))
        }
    }

    @Test("a receiver that wants nothing more ends its subscription, which keeps what it did not take")
    func gone() async throws {
        try await withFixture { fixture in
            let isGone = Lock(true)
            let receiver = Receiver { _ in isGone.withLock { $0 } ? .gone : .delivered }
            let relay = TestRelay(fixture, receiver)
            try await fixture.subscribe("all", receiver)
            let ids = try await fixture.happen(["models/a:1", "models/a:2"])
            try await eventually("it ended") { try await fixture.get("all").state == .ended }
            isGone.withLock { $0 = false }
            var resume = Slipway.Events.V1.ResumeRequest()
            resume.name = "all"
            _ = try await fixture.store(receiver).resume(resume, by: fixture.change)
            try await eventually("both were delivered") { try await fixture.get("all").delivered >= 2 }
            #expect(Set(receiver.ids("http://all")) == Set(ids))
            try await relay.stop()
        }
    }
}

extension Relay {
    /// Whether a subscription is delivered to; nil where the relay doesn't hold it.
    fileprivate func serves(_ name: String) -> Bool? {
        runs.values.first { $0.order.name == name }?.order.isActive
    }
}
