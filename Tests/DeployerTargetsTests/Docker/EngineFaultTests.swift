import Glibc
import Loop
import Testing

@testable import DeployerTargets

@Suite(
    "Engines that die under their replicas", .serialized,
    .enabled(if: PrivateEngine.isPossible, "needs root and dockerd"))
struct EngineFaultTests {
    /// Runs `body` with an engine of its own, with an order that serves at its own address.
    private func run(
        _ options: [String], patience: Duration = .seconds(60),
        _ body: (PrivateEngine, ConformanceBench, ReplicaOrder, ReplicaVisitor) async throws -> Void
    ) async throws {
        let engine = try PrivateEngine(options)
        defer { engine.close() }
        let bench = try await ConformanceBench(
            DockerConformancePlace(address: engine.address, network: "bridge", patience: patience))
        let order = try await bench.order()
        try await body(engine, bench, order, try await bench.serving(order))
        await bench.clear()
    }

    @Test("with live-restore replicas serve while the engine is dead, which is unreachable and not empty")
    func liveRestore() async throws {
        try await run(["--live-restore"]) { engine, bench, order, visitor in
            let nonce = try visitor.get("/nonce")
            let bell = Bell()
            let watching = Task { await bench.target.watch { bell.ring() } }
            defer { watching.cancel() }
            let seen = Lock([String]())
            let following = Task {
                try await bench.target.log(of: order.id, lines: 5, follow: true) { line in
                    seen.withLock { $0.append(line.text) }
                }
            }
            defer { following.cancel() }
            try visitor.get("/lines/3")
            try await bench.wait("the lines before") { seen.withLock { $0.count } == 4 }

            engine.end(with: SIGKILL)
            #expect(try visitor.get("/nonce") == nonce)
            #expect(try await bench.failure { _ = try await bench.target.observe() }.code == .unreachable)
            #expect(try await bench.failure { try await bench.target.start(order) }.code == .unreachable)
            #expect(
                try await bench.failure { try await bench.target.stop(order.id, grace: .zero) }.code == .unreachable)
            #expect(try visitor.get("/nonce") == nonce)

            try engine.start()
            let adopted = try await bench.observed(order.id) { $0.state == .running }
            #expect(adopted.address == visitor.address)
            #expect(adopted.owner == order.owner)
            try await bench.target.start(order)
            #expect(try visitor.get("/nonce") == nonce)
            try visitor.get("/lines/2")
            try await bench.wait("the lines after") { seen.withLock { $0.count } >= 6 }
            #expect(seen.withLock { $0 } == ["started with 0 words", "line 1", "line 2", "line 3", "line 1", "line 2"])

            try visitor.get("/exit/4")
            #expect(try await bench.ending(order.id).code == 4)
            let rings = bell.rings
            try await bench.target.remove(order.id)
            try await bench.wait("the watcher is called") { bell.rings > rings }
            try await following.value
        }
    }

    @Test("without live-restore replicas end with the engine, and that is seen when it is back")
    func noLiveRestore() async throws {
        try await run([]) { engine, bench, order, _ in
            engine.end(with: SIGKILL)
            #expect(try await bench.failure { _ = try await bench.target.observe() }.code == .unreachable)
            try engine.start()
            _ = try await bench.ending(order.id)
            // What has ended stays so, and another takes its place.
            try await bench.target.start(order)
            _ = try await bench.ending(order.id)
            let next = try await bench.order()
            _ = try await bench.serving(next)
            try await bench.target.remove(order.id)
            #expect(try await bench.target.observe().map(\.id) == [next.id])
        }
    }

    @Test("an engine that stands still is unreachable, and is used again when it goes on")
    func stopped() async throws {
        try await run([], patience: .seconds(3)) { engine, bench, order, visitor in
            engine.signal(SIGSTOP)
            let error = try await bench.failure { _ = try await bench.target.observe() }
            engine.signal(SIGCONT)
            #expect(error.code == .unreachable)
            #expect(error.message.contains("did not answer within"))
            try await bench.wait("it is used again") {
                (try? await bench.target.observe().map(\.id)) == [order.id]
            }
            #expect(try visitor.get("/readyz") == "ready")
        }
    }
}
