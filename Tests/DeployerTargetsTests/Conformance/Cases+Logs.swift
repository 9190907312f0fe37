import DeployerTargets
import Loop
import Testing

extension ConformanceCase {
    /// What replicas write.
    static let logs = [
        ConformanceCase("the last lines are handed over in order, with their times") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            try visitor.get("/lines/50")
            _ = try await bench.lines(of: order.id, atLeast: 51)
            let seen = Lock([ReplicaLogLine]())
            try await bench.target.log(of: order.id, lines: 10, follow: false) { line in
                seen.withLock { $0.append(line) }
            }
            let lines = seen.withLock { $0 }
            #expect(lines.map(\.text) == (41...50).map { "line \($0)" })
            #expect(zip(lines, lines.dropFirst()).allSatisfy { $0.at <= $1.at })
            #expect((lines.first?.at ?? 0) > 1_600_000_000_000_000_000)
        },
        ConformanceCase("a follower gets what comes, until the replica is removed") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            let seen = Lock([String]())
            let following = Task {
                try await bench.target.log(of: order.id, lines: 5, follow: true) { line in
                    seen.withLock { $0.append(line.text) }
                }
            }
            defer { following.cancel() }
            try await bench.wait("the first line") { seen.withLock { $0.count } >= 1 }
            try visitor.get("/lines/100")
            try await bench.wait("all lines") { seen.withLock { $0.count } >= 101 }
            #expect(seen.withLock { $0 } == ["started with 0 words"] + (1...100).map { "line \($0)" })
            try await bench.target.stop(order.id, grace: .seconds(30))
            try await bench.target.remove(order.id)
            try await following.value
            #expect(seen.withLock { $0.last } == "ending as asked")
        },
        ConformanceCase("a follower that is cancelled ends") { bench in
            let order = try await bench.order()
            _ = try await bench.serving(order)
            let bell = Bell()
            let following = Task {
                try await bench.target.log(of: order.id, lines: 5, follow: true) { _ in bell.ring() }
            }
            try await bench.wait("the first line") { bell.rings > 0 }
            following.cancel()
            _ = await following.result
        },
        ConformanceCase("the log of what has ended is there until it is removed") { bench in
            let order = try await bench.order(variables: ["TEST_EXIT": "1"])
            try await bench.target.start(order)
            _ = try await bench.ending(order.id)
            #expect(try await bench.lines(of: order.id, atLeast: 2).last == "told to end with 1")
        },
    ]
}
