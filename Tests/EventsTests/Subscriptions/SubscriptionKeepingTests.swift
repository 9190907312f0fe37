import Contracts
import Journal
import Loop
import Postgres
import Protobuf
import RPC
import Testing

@testable import EventsCore

@Suite(.serialized) struct SubscriptionKeepingTests {
    @Test("for as long as was asked, deliveries are signed with the old secret too")
    func rotation() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            let relay = TestRelay(fixture, receiver)
            let made = try await fixture.subscribe("all", receiver)
            func secretsOfNext(_ subject: String) async throws -> Int {
                let ids = try await fixture.happen([subject])
                try await eventually("it came") { receiver.ids("http://all").contains(ids[0]) }
                return receiver.state.withLock { $0.secrets["http://all"] ?? 0 }
            }
            #expect(try await secretsOfNext("models/a:1") == 1)
            let store = fixture.store(receiver)
            let second = try await store.rotate(
                .init(name: "all", overlap: Google.Protobuf.Duration(seconds: 3600)), by: fixture.change)
            #expect(second.secret != made.secret)
            try await eventually("both sign") { try await secretsOfNext("models/a:2") == 2 }
            _ = try await store.rotate(
                .init(name: "all", overlap: Google.Protobuf.Duration(seconds: 0)), by: fixture.change)
            try await eventually("the newest signs alone") { try await secretsOfNext("models/a:3") == 1 }
            try await relay.stop()
        }
    }

    @Test("a subscription that is behind what the journal keeps is paused, and goes on with what there is when resumed")
    func retention() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            try await fixture.subscribe("all", receiver)
            try await fixture.pool.execute(
                """
                CREATE TABLE journal.entries_2001_01 PARTITION OF journal.entries
                FOR VALUES FROM ('2001-01-01Z') TO ('2001-02-01Z')
                """)
            try await fixture.pool.execute(
                """
                INSERT INTO journal.entries (at, actor, action, subject, workspace)
                VALUES ('2001-01-10Z', 'person:ada', 'model.registered', 'models/old:1', 'default')
                """)
            let journal = Journal(fixture.pool)
            // Transactions of other tests on the same server hold the seals back.
            try await eventually("the month was dropped") {
                try await journal.seal()
                return try await journal.retire(keepingMonths: 12) == ["entries_2001_01"]
            }
            let relay = TestRelay(fixture, receiver)
            try await eventually("it is paused") { try await fixture.get("all").state == .paused }
            #expect(try await fixture.get("all").reason.contains("does not keep"))
            let ids = try await fixture.happen(["models/new:1"])
            _ = try await fixture.store(receiver).resume(.init(name: "all"), by: fixture.change)
            try await eventually("what is left came") { receiver.ids("http://all") == ids }
            try await relay.stop()
        }
    }

    @Test("a replay to a place that is ahead, and one from nowhere, are refused")
    func replayRefused() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            try await fixture.subscribe("all", receiver)
            for after in ["", "soon", "99999999/1"] {
                let error = try await #require(throws: RPCError.self) {
                    _ = try await fixture.store(receiver).replay(.init(name: "all", after: after), by: fixture.change)
                }
                #expect(error.code == .invalidArgument)
            }
        }
    }
}
