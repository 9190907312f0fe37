import HTTP
import Loop
import Testing

@testable import DeployerRouter

@Suite("Waiting for a replica", .serialized)
struct WaitingTests {
    @Test("a request waits for a free slot and is led on when there is one", arguments: [1, 2])
    func queue(_ loops: Int) async throws {
        try await RouterFixture.run(loops: loops) { fixture in
            let gate = Gate()
            let replica = TestReplica("one", .waits(gate))
            let address = try await replica.start(on: fixture.loops)
            try await fixture.adopt(.sample(concurrency: 2, [1: [address]]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let answer = try await fixture.ask("/endpoints/acme/churn/")
                        #expect(answer.status == 200)
                    }
                }
                try await eventually("six wait") { fixture.router.reports().first?.report.waiting == 6 }
                #expect(replica.requests == 2)
                #expect(fixture.router.reports().first?.report.inFlight == 2)
                gate.open()
                try await group.waitForAll()
            }
            #expect(replica.requests == 8)
            #expect(fixture.router.reports().first?.report.waiting == 0)
            await replica.stop()
        }
    }

    @Test("a request that waited too long, or finds too many before it, is answered 503 with a time to come again")
    func full() async throws {
        try await RouterFixture.run { fixture in
            let gate = Gate()
            let replica = TestReplica("one", .waits(gate))
            let address = try await replica.start(on: fixture.loops)
            try await fixture.adopt(
                .sample(concurrency: 1, queueWait: .milliseconds(300), queueLength: 1, [1: [address]]))
            async let first = fixture.ask("/endpoints/acme/churn/")
            try await eventually("the slot is taken") { replica.requests == 1 }
            async let second = fixture.ask("/endpoints/acme/churn/")
            try await eventually("one waits") { fixture.router.reports().first?.report.waiting == 1 }
            let third = try await fixture.ask("/endpoints/acme/churn/")
            #expect(third.status == 503 && third.fields["retry-after"] == "1")
            let late = try await second
            #expect(late.status == 503 && late.fields["retry-after"] == "1")
            gate.open()
            let answered = try await first
            #expect(answered.status == 200)
            let report = try #require(fixture.router.reports().first?.report)
            #expect(report.refusals == 2 && report.failures == 2 && report.requests == 3)
            await replica.stop()
        }
    }

    @Test("a request to a sleeping deployment is held with its body until a replica is there, and demand is rung once")
    func hold() async throws {
        try await RouterFixture.run(loops: 2) { fixture in
            let replica = TestReplica("one")
            let address = try await replica.start(on: fixture.loops)
            try await fixture.adopt(.sample(shares: [], hold: .seconds(60), [:]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<5 {
                    group.addTask {
                        let answer = try await fixture.ask(
                            "/endpoints/acme/churn/", .post, body: Array("n\(number)".utf8))
                        #expect(answer.text == "one POST /\nn\(number)")
                    }
                }
                try await eventually("all are held") { fixture.router.reports().first?.report.waiting == 5 }
                #expect(fixture.demand.withLock { Set($0) } == [7])
                #expect(fixture.demand.withLock { $0.count } <= 2, "once on each loop")
                // On its way: there is a revision, and no replica yet.
                try await fixture.adopt(.sample(version: 2, hold: .seconds(60), [1: []]))
                #expect(replica.requests == 0)
                try await fixture.adopt(.sample(version: 3, hold: .seconds(60), [1: [address]]))
                try await group.waitForAll()
            }
            await replica.stop()
        }
    }

    @Test("a held request that waited too long, and one that is not held, hear 503 with the reason")
    func heldTooLong() async throws {
        try await RouterFixture.run { fixture in
            try await fixture.adopt(.sample(shares: [], hold: .milliseconds(50), [:]))
            let held = try await fixture.ask("/endpoints/acme/churn/")
            #expect(held.status == 503 && held.fields["retry-after"] == "5" && held.text.contains("it sleeps"))
            try await fixture.adopt(.sample(version: 2, [1: []]))
            let unheld = try await fixture.ask("/endpoints/acme/churn/")
            #expect(unheld.status == 503 && unheld.fields["retry-after"] != nil)
            let call = try await fixture.ask(
                "/endpoints/acme/churn/", .post, fields: ["content-type": "application/grpc"], body: [0])
            #expect(call.fields["grpc-status"] == "14")
        }
    }

    @Test("a caller that goes away while it waits leaves nothing behind")
    func abandoned() async throws {
        try await RouterFixture.run { fixture in
            try await fixture.adopt(.sample(shares: [], hold: .seconds(60), [:]))
            let task = Task { try await fixture.ask("/endpoints/acme/churn/", .post, body: [65]) }
            try await eventually("it is held") { fixture.router.reports().first?.report.waiting == 1 }
            task.cancel()
            _ = try? await task.value
            try await eventually("it is let go") { fixture.router.reports().first?.report.waiting == 0 }
        }
    }

    @Test("a replica that leaves the table finishes what it has, and then nothing leads to it")
    func draining() async throws {
        try await RouterFixture.run { fixture in
            let gate = Gate()
            let (former, next) = (TestReplica("former", .waits(gate)), TestReplica("next"))
            let formerAddress = try await former.start(on: fixture.loops)
            let nextAddress = try await next.start(on: fixture.loops)
            try await fixture.adopt(.sample([1: [formerAddress]]))
            async let slow = fixture.ask("/endpoints/acme/churn/", .post, body: [65])
            try await eventually("it is there") { former.requests == 1 }
            try await fixture.adopt(.sample(version: 2, shares: [(2, 100)], [2: [nextAddress]]))
            for _ in 0..<3 {
                let answer = try await fixture.ask("/endpoints/acme/churn/")
                #expect(answer.fields["x-replica"] == "next")
            }
            #expect(former.openConnections == 1)
            gate.open()
            let answer = try await slow
            #expect(answer.text == "former POST /\nA")
            try await eventually("the connection is closed") { former.openConnections == 0 }
            await former.stop()
            await next.stop()
        }
    }

    @Test("of two replicas the less busy one is asked")
    func leastLoaded() async throws {
        try await RouterFixture.run { fixture in
            let gate = Gate()
            let (slow, quick) = (TestReplica("slow", .waits(gate)), TestReplica("quick"))
            let addresses = [try await slow.start(on: fixture.loops), try await quick.start(on: fixture.loops)]
            try await fixture.adopt(.sample([1: addresses]))
            var waiting: [Task<RouterFixture.Answer, any Error>] = []
            while slow.requests == 0 {
                let before = quick.requests
                waiting.append(Task { try await fixture.ask("/endpoints/acme/churn/") })
                try await eventually("it came") { slow.requests > 0 || quick.requests > before }
            }
            let before = quick.requests
            for _ in 0..<20 { _ = try await fixture.ask("/endpoints/acme/churn/") }
            #expect(quick.requests == before + 20 && slow.requests == 1)
            gate.open()
            for task in waiting { _ = try await task.value }
            await slow.stop()
            await quick.stop()
        }
    }
}
