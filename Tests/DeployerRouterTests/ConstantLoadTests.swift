import Contracts
import HTTP
import Loop
import Synchronization
import Testing

@testable import DeployerRouter

@Suite("Constant load", .serialized)
struct ConstantLoadTests {
    private final class Load: Sendable {
        let isDone = Atomic<Bool>(false)
        let asked = Atomic<Int>(0)
        let failed = Lock<[String]>([])
    }

    /// Asks all the time while `body` runs, and counts what is not answered 200.
    private func underLoad(
        _ fixture: RouterFixture, _ body: () async throws -> Void
    ) async throws -> (asked: Int, failed: [String]) {
        let load = Load()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<6 {
                group.addTask {
                    while !load.isDone.load(ordering: .relaxed) {
                        let key = number % 2 == 0 ? "key" : "second"
                        do {
                            let answer = try await fixture.ask(
                                "/endpoints/acme/churn/", number % 3 == 0 ? .get : .post, key: key,
                                body: number % 3 == 0 ? nil : Array("n\(number)".utf8))
                            if answer.status != 200 {
                                load.failed.withLock { $0.append("\(answer.status) \(answer.text)") }
                            }
                        } catch {
                            load.failed.withLock { $0.append("\(error)") }
                        }
                        load.asked.add(1, ordering: .relaxed)
                    }
                }
            }
            do { try await body() } catch {
                load.isDone.store(true, ordering: .relaxed)
                throw error
            }
            load.isDone.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        return (load.asked.load(ordering: .relaxed), load.failed.withLock { $0 })
    }

    private func route(_ version: Int64, _ shares: [(Int32, Int32)], _ replicas: [Int32: [String]]) -> Route {
        var route = Route.sample(version: version, shares: shares, concurrency: 8, replicas)
        let second = Route.sample(key: "second", [:])
        route.access?.keys += second.access?.keys ?? []
        return route
    }

    @Test("revisions replace each other while requests are in flight, and none fails", arguments: [false, true])
    func upgrades(_ isReplicaHTTP2: Bool) async throws {
        var settings = RouterSettings()
        settings.replicaProtocol = isReplicaHTTP2 ? .http2 : .http11
        try await RouterFixture.run(settings, loops: 2) { fixture in
            var old = TestReplica("0")
            var oldAddress = try await old.start(on: fixture.loops)
            try await fixture.adopt(route(1, [(1, 100)], [1: [oldAddress]]))
            let (asked, failed) = try await underLoad(fixture) {
                for number in 1...20 {
                    let new = TestReplica("\(number)")
                    let newAddress = try await new.start(on: fixture.loops)
                    let (before, after) = (Int32(number), Int32(number + 1))
                    let version = Int64(number) * 10
                    try await fixture.adopt(
                        route(version, [(before, 90), (after, 10)], [before: [oldAddress], after: [newAddress]]))
                    try await eventually("the new one is asked") { new.requests > 3 }
                    try await fixture.adopt(route(version + 1, [(after, 100)], [after: [newAddress]]))
                    let former = old
                    try await eventually("the old one is let go") { former.openConnections == 0 }
                    await old.stop()
                    (old, oldAddress) = (new, newAddress)
                }
            }
            #expect(failed.isEmpty, "\(failed.count) of \(asked): \(failed.prefix(3))")
            #expect(asked > 60)
            await old.stop()
        }
    }

    @Test("of two replicas one is killed again and again, and no request fails that the other can answer")
    func kills() async throws {
        try await RouterFixture.run(loops: 2) { fixture in
            let steady = TestReplica("steady")
            let steadyAddress = try await steady.start(on: fixture.loops)
            let (asked, failed) = try await {
                var victim = TestReplica("0")
                var victimAddress = try await victim.start(on: fixture.loops)
                try await fixture.adopt(route(1, [(1, 100)], [1: [steadyAddress, victimAddress]]))
                let outcome = try await underLoad(fixture) {
                    for number in 1...20 {
                        let current = victim
                        try await eventually("it is asked") { current.requests > 5 }
                        // Its connections break with requests in them, and then there is nobody.
                        await victim.stop()
                        victim = TestReplica("\(number)")
                        victimAddress = try await victim.start(on: fixture.loops)
                        try await fixture.adopt(
                            route(Int64(number) + 1, [(1, 100)], [1: [steadyAddress, victimAddress]]))
                    }
                }
                await victim.stop()
                return outcome
            }()
            #expect(failed.isEmpty, "\(failed.count) of \(asked): \(failed.prefix(3))")
            await steady.stop()
        }
    }
}
