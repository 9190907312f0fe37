import DeployerTargets
import Glibc
import Loop
import Testing

extension ConformanceCase {
    /// How replicas end, and how it is known.
    static let endings = [
        ConformanceCase("a replica that ends by itself is seen with its code and last words") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            try visitor.get("/exit/17")
            let ending = try await bench.ending(order.id)
            #expect(ending.code == 17)
            #expect(ending.signal == nil)
            #expect(!ending.ranOutOfMemory)
            #expect(ending.lastWords.contains("last words before 17"))
            #expect(try await bench.observed(order.id) { $0.hasEnded }.address == nil)
        },
        ConformanceCase("a replica that crashes is seen with its signal and last words") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            try visitor.get("/crash")
            let ending = try await bench.ending(order.id)
            #expect(ending.signal == Int(SIGSEGV))
            #expect(ending.code == nil)
            #expect(ending.lastWords.contains("about to fall"))
        },
        ConformanceCase("a replica that ends before it serves is seen with its code and last words") { bench in
            let order = try await bench.order(variables: ["TEST_EXIT": "3"])
            try await bench.target.start(order)
            let ending = try await bench.ending(order.id)
            #expect(ending.code == 3)
            #expect(ending.lastWords.contains("told to end with 3"))
        },
        ConformanceCase("last words are 4 KiB at most, and the last") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            try visitor.get("/lines/2000")
            try visitor.get("/exit/1")
            let ending = try await bench.ending(order.id)
            #expect(ending.lastWords.utf8.count <= 4096)
            #expect(ending.lastWords.contains("line 2000\n"))
            #expect(!ending.lastWords.contains("line 1\n"))
        },
        ConformanceCase("a replica that takes more memory than it was given is ended, and that is said") { bench in
            guard try await bench.place.limitsMemory else { return }
            let order = try await bench.order(needs: ReplicaNeeds(memoryBytes: 64 << 20))
            let visitor = try await bench.serving(order)
            #expect(try visitor.get("/eat") == "")
            let ending = try await bench.ending(order.id)
            #expect(ending.ranOutOfMemory)
            #expect(ending.code != 12, "it was refused memory instead")
        },
        ConformanceCase("what does not end when asked is ended by force after its grace") { bench in
            let order = try await bench.order(variables: ["TEST_STUBBORN": "1"])
            _ = try await bench.serving(order)
            let begin = ContinuousClock.now
            try await bench.target.stop(order.id, grace: .seconds(2))
            #expect(begin.duration(to: .now) >= .seconds(1))
            let ending = try await bench.ending(order.id)
            #expect(ending.signal == Int(SIGKILL))
            #expect(ending.code == nil)
            #expect(!ending.ranOutOfMemory)
        },
        ConformanceCase("what ended stays to be looked at, and is not started again") { bench in
            let order = try await bench.order(variables: ["TEST_EXIT": "5"])
            try await bench.target.start(order)
            let first = try await bench.ending(order.id)
            try await bench.target.start(order)
            try await bench.target.stop(order.id, grace: .zero)
            #expect(try await bench.ending(order.id) == first)
        },
        ConformanceCase("a watcher is called when a replica ends") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            let bell = Bell()
            let watching = Task { await bench.target.watch { bell.ring() } }
            defer { watching.cancel() }
            try visitor.get("/exit/0")
            try await bench.wait("the watcher is called") { bell.rings > 0 }
            watching.cancel()
            await watching.value
        },
    ]
}

/// Counts.
final class Bell: Sendable {
    private let count = Lock(0)
    func ring() { count.withLock { $0 += 1 } }
    var rings: Int { count.withLock { $0 } }
}
