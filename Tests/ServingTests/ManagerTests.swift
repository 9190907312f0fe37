import Glibc
import Loop
import Serving
import Synchronization
import Testing

@Suite("The manager of models")
struct ManagerTests {
    @Test("a version that its source states is loaded and answers")
    func serves() async throws {
        try await Bench.run { bench in
            #expect(!bench.manager.isReady)
            try await bench.state([Bench.version("m", options: ["factor": "3"])])
            #expect(bench.manager.isReady)
            let answer = try await bench.infer("m", [1, 2, 3, 4])
            #expect(answer.outputs[0].floats == [3, 6, 9, 12])
            #expect(answer.version == 1)
            #expect(bench.manager.list().map(\.state) == [.ready])
        }
    }

    @Test("a request without a version goes to the highest, one with a version to that")
    func versions() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", 1, options: ["factor": "1"]), Bench.version("m", 2, options: ["factor": "2"]),
            ])
            #expect(try await bench.infer("m").outputs[0].floats == [2, 4])
            #expect(try await bench.infer("m", version: 1).outputs[0].floats == [1, 2])
            #expect(try bench.manager.summary(of: ModelReference(name: "m")).versions == [1, 2])
        }
    }

    @Test("what the source leaves out is unloaded, and its memory freed")
    func leavesOut() async throws {
        try await Bench.run { bench in
            try await bench.state([Bench.version("a"), Bench.version("b")])
            try await bench.state([Bench.version("b")])
            await expectError(.notReady, "model 'a' is not loaded") { _ = try await bench.infer("a") }
            #expect(bench.framework.loaded.load(ordering: .relaxed) == 1)
            #expect(bench.manager.list().map(\.state) == [.gone, .ready])
        }
    }

    @Test("a version that fails to load leaves the one before in service and is listed with its reason")
    func failedLoad() async throws {
        try await Bench.run { bench in
            try await bench.state([Bench.version("m", 1, options: ["factor": "1"])])
            try await bench.state([Bench.version("m", 2, options: ["fail": "the file ends too early"])])
            #expect(try await bench.infer("m").version == 1)
            let failed = bench.manager.list().first { $0.version == 2 }
            #expect(failed?.state == .failed)
            #expect(failed?.reason == "the file ends too early")
            #expect(bench.manager.isReady)

            try await bench.manager.refresh()
            #expect(bench.framework.loads.load(ordering: .relaxed) == 2, "the same files are not tried again")
            try await bench.state([Bench.version("m", 2, fingerprint: 2, options: ["factor": "2"])])
            #expect(try await bench.infer("m").outputs[0].floats == [2, 4])
            #expect(bench.manager.list().filter { $0.state == .ready }.map(\.version) == [2])
        }
    }

    @Test("a model that is neither loaded nor known is refused, with what may have been meant")
    func unknown() async throws {
        try await Bench.run { bench in
            try await bench.state([Bench.version("wine"), Bench.version("bad", options: ["fail": "no trees"])])
            await expectError(.notFound, "there is no model 'wime'; did you mean 'wine'?") {
                _ = try await bench.infer("wime")
            }
            await expectError(.notFound, "model 'wine' has no version 7; ready is 1") {
                _ = try await bench.infer("wine", version: 7)
            }
            await expectError(.notReady, "model 'bad' could not be loaded: no trees") {
                _ = try await bench.infer("bad")
            }
            #expect(!bench.manager.isReady)
        }
    }

    @Test("a load by request loads again, with its options, and reports what went wrong")
    func explicit() async throws {
        var configuration = ModelManager.Configuration()
        configuration.control = .explicit
        try await Bench.run(configuration) { bench in
            try await bench.state([Bench.version("m", options: ["factor": "2"])])
            await expectError(.notReady, "model 'm' is not loaded") { _ = try await bench.infer("m") }
            try await bench.manager.load("m", options: [:])
            #expect(try await bench.infer("m").outputs[0].floats == [2, 4])
            try await bench.manager.load("m", options: ["factor": "5"])
            #expect(try await bench.infer("m").outputs[0].floats == [5, 10])
            await expectError(.unloadable, "broken") { try await bench.manager.load("m", options: ["fail": "broken"]) }
            #expect(try await bench.infer("m").outputs[0].floats == [5, 10])
            try await bench.manager.unload("m")
            await expectError(.notReady, "model 'm' is not loaded") { _ = try await bench.infer("m") }
            #expect(bench.framework.loaded.load(ordering: .relaxed) == 0)
            await expectError(.notFound, "there is no model 'x'; did you mean 'm'?") {
                try await bench.manager.load("x", options: [:])
            }
        }
    }

    @Test("explicit loads are refused where the source alone decides")
    func refused() async throws {
        var configuration = ModelManager.Configuration()
        configuration.control = .source
        try await Bench.run(configuration) { bench in
            try await bench.state([Bench.version("m")])
            let error = await #expect(throws: ServingError.self) { try await bench.manager.unload("m") }
            #expect(error?.kind == .refused)
            #expect(bench.manager.isReady(ModelReference(name: "m")))
        }
    }

    @Test("a load that takes too long fails, and what it loads at last is let go")
    func loadTimeout() async throws {
        try await Bench.run { bench in
            try await bench.state([Bench.version("m", options: ["hang": ""]) { $0.loadTimeout = .milliseconds(1) }])
            #expect(bench.manager.list()[0].state == .failed)
            #expect(bench.manager.list()[0].reason.contains("was not loaded within"))
        }
    }

    @Test("a model that is in use is unloaded when the last request has its answer")
    func quiesces() async throws {
        try await Bench.run { bench in
            try await bench.state([
                Bench.version("m", options: ["hold": "", "factor": "2"]) { $0.warmup.isGenerated = false }
            ])
            async let answer = bench.infer("m")
            await bench.framework.gate.waitForWaiting(1)
            bench.source.versions.withLock { $0 = [] }
            try await bench.manager.refresh()
            #expect(bench.manager.list()[0].state == .quiescing)
            #expect(bench.framework.loaded.load(ordering: .relaxed) == 1)
            bench.framework.gate.open()
            #expect(try await answer.outputs[0].floats == [2, 4])
            await bench.manager.settle()
            #expect(bench.manager.list()[0].state == .gone)
            #expect(bench.framework.loaded.load(ordering: .relaxed) == 0)
        }
    }

    @Test("three hundred swaps under load lose no request and mix no answer", arguments: ["0", "200"])
    func hotSwap(burn: String) async throws {
        try await Bench.run { bench in
            func version(_ number: Int) -> DesiredVersion {
                Bench.version(
                    "m", fingerprint: UInt64(number), options: ["factor": "\(number)", "burn_us": burn]
                ) { $0.execution.batching.joins = number % 2 == 0 }
            }
            try await bench.state([version(1)])
            let isOver = Lock(false)
            let answered = try await withThrowingTaskGroup(of: Int.self) { group in
                for client in 0..<16 {
                    group.addTask {
                        var count = 0
                        while !isOver.withLock({ $0 }) {
                            let rows = 1 + client % 3
                            let numbers = (0..<rows * 2).map { Float($0 + client) }
                            let answer = try await bench.infer("m", numbers, on: client)
                            let factors = Set(answer.outputs[1].texts)
                            let factor = try #require(factors.first.flatMap { Float($0) })
                            #expect(factors.count == 1)
                            #expect(answer.outputs[0].floats == numbers.map { $0 * factor })
                            count += 1
                        }
                        return count
                    }
                }
                for number in 2...300 { try await bench.state([version(number)]) }
                isOver.withLock { $0 = true }
                return try await group.reduce(0, +)
            }
            #expect(answered > 16)
            #expect(bench.framework.loaded.load(ordering: .relaxed) == 1)
            #expect(bench.framework.mostLoaded.load(ordering: .relaxed) <= 4)
        }
    }
}

/// Runs what has to fail with exactly this.
func expectError(_ kind: ServingError.Kind, _ message: String, _ body: () async throws -> Void) async {
    do {
        try await body()
        Issue.record("nothing was thrown; expected: \(message)")
    } catch let error as ServingError {
        #expect(error.kind == kind)
        #expect(error.message == message)
    } catch {
        Issue.record("\(error)")
    }
}
