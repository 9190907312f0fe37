import DeployerTargets
import Glibc
import Testing

extension ConformanceCase {
    /// Several deployers, and deployers that die.
    static let several = [
        ConformanceCase("what is started twice runs once") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            let nonce = try visitor.get("/nonce")
            try await bench.target.start(order)
            #expect(try visitor.get("/nonce") == nonce)
            #expect(try await bench.target.observe().count == 1)
        },
        ConformanceCase("what several deployers start at once runs once") { bench in
            let order = try await bench.order()
            let others = [
                bench.target, try await bench.place.target(suite: bench.suite),
                try await bench.place.target(suite: bench.suite),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for other in others { group.addTask { try await other.start(order) } }
                try await group.waitForAll()
            }
            let visitor = try await bench.visitor(order.id)
            let nonces = try (0..<5).map { _ in try visitor.get("/nonce") }
            #expect(Set(nonces).count == 1)
            #expect(try await bench.target.observe().map(\.id) == [order.id])
        },
        ConformanceCase("another deployer sees what runs, stops and removes it") { bench in
            let order = try await bench.order(deployment: 12)
            let visitor = try await bench.serving(order)
            let other = try await bench.place.target(suite: bench.suite)
            let seen = try await other.observe()
            #expect(seen.map(\.id) == [order.id])
            #expect(seen.first?.owner == order.owner)
            #expect(seen.first?.address == visitor.address)
            try await other.stop(order.id, grace: .seconds(30))
            #expect(try await bench.ending(order.id).code == 0)
            try await other.remove(order.id)
            #expect(try await bench.target.observe().isEmpty)
        },
        ConformanceCase("replicas of another installation are not seen") { bench in
            let order = try await bench.order()
            _ = try await bench.serving(order)
            let other = try await bench.place.target(suite: "other-\(bench.suite)")
            #expect(try await other.observe().isEmpty)
        },
        ConformanceCase("a replica outlives the deployer that started it, whatever kills that") { bench in
            let order = try await bench.order()
            let starter = try ReplicaStarterProcess(bench, order)
            let visitor = try await bench.visitor(order.id)
            let nonce = try visitor.get("/nonce")
            starter.end(with: SIGKILL)
            #expect(try visitor.get("/nonce") == nonce)
            let seen = try await bench.observed(order.id) { $0.state == .running }
            #expect(seen.owner == order.owner)
            // How it ends is known as well, though nobody was there who started it.
            try visitor.get("/exit/9")
            #expect(try await bench.ending(order.id).code == 9)
        },
    ]
}
