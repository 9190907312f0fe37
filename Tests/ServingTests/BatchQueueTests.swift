import Loop
import Testing

@testable import Serving

@Suite("The queue that joins requests")
struct BatchQueueTests {
    private typealias Queue = BatchQueue<String>

    private static func at(_ microseconds: Int64) -> LoopInstant { LoopInstant(nanoseconds: microseconds * 1000) }

    /// Requests as `id: rows`, all of one key, that came at one microsecond after another.
    private static func queue(_ policy: BatchPolicy, _ rows: [Int], keys: [String] = []) -> Queue {
        var queue = Queue(policy)
        for (index, count) in rows.enumerated() {
            let isTaken = queue.add(
                .init(
                    id: index, rows: count, key: keys.isEmpty ? "k" : keys[index], priority: 0,
                    arrived: at(Int64(index)), deadline: nil))
            #expect(isTaken)
        }
        return queue
    }

    private static func said(_ step: Queue.Step) -> String {
        switch step {
        case .execute(let waiting, let closing): "\(waiting.map(\.id)) \(closing.rawValue)"
        case .wait(let until): "until \(until.nanoseconds / 1000)"
        case .nothing: "nothing"
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var policy: BatchPolicy
        var rows: [Int]
        var keys: [String] = []
        var now: Int64 = 10
        var steps: [String]
        var testDescription: String { name }
    }

    @Test(
        "what is executed next",
        arguments: [
            Case(name: "nothing waits", policy: .init(joins: true), rows: [], steps: ["nothing"]),
            Case(
                name: "without joining each goes alone", policy: .init(), rows: [1, 2],
                steps: ["[0] single", "[1] single", "nothing"]),
            Case(
                name: "without a delay everything goes that is there", policy: .init(joins: true), rows: [1, 2, 3],
                steps: ["[0, 1, 2] idle", "nothing"]),
            Case(
                name: "a batch is full at the largest", policy: .init(joins: true, largest: 4), rows: [2, 2, 2],
                steps: ["[0, 1] full", "[2] idle"]),
            Case(
                name: "what does not fit waits for the next", policy: .init(joins: true, largest: 4), rows: [3, 2, 1],
                steps: ["[0] full", "[1, 2] idle"]),
            Case(
                name: "a request larger than a batch goes alone", policy: .init(joins: true, largest: 4), rows: [9, 1],
                steps: ["[0] full", "[1] idle"]),
            Case(
                name: "other shapes are not joined, and keep their order", policy: .init(joins: true),
                rows: [1, 1, 1, 1],
                keys: ["a", "b", "a", "b"], steps: ["[0, 2] idle", "[1, 3] idle"]),
            Case(
                name: "a delay is waited for", policy: .init(joins: true, delay: .microseconds(100)), rows: [1, 1],
                steps: ["until 100"]),
            Case(
                name: "the oldest's delay closes a batch", policy: .init(joins: true, delay: .microseconds(100)),
                rows: [1, 1], now: 100, steps: ["[0, 1] delay"]),
            Case(
                name: "a preferred size closes a batch before its delay",
                policy: .init(joins: true, preferred: [2, 4], delay: .microseconds(100)), rows: [1, 1, 1, 1, 1],
                steps: ["[0, 1, 2, 3] full", "until 104"]),
            Case(
                name: "the smaller preferred size is taken when no more comes",
                policy: .init(joins: true, preferred: [2, 4], delay: .microseconds(100)), rows: [1, 1, 1], now: 200,
                steps: ["[0, 1] delay", "[2] delay"]),
        ])
    func steps(_ example: Case) {
        var queue = Self.queue(example.policy, example.rows, keys: example.keys)
        for expected in example.steps {
            let step = queue.next(now: Self.at(example.now))
            #expect(Self.said(step) == expected)
        }
    }

    @Test("a higher priority goes first, and levels are not joined")
    func priorities() {
        var queue = Queue(.init(joins: true, levels: 2))
        for (id, priority) in [(1, 0), (2, 1), (3, 0), (4, 9)] {
            _ = queue.add(.init(id: id, rows: 1, key: "", priority: priority, arrived: Self.at(0), deadline: nil))
        }
        let steps = (0..<2).map { _ in Self.said(queue.next(now: Self.at(1))) }
        #expect(steps == ["[2, 4] idle", "[1, 3] idle"])
    }

    @Test("a batch is closed in time for the deadlines in it")
    func deadlines() {
        var queue = Queue(.init(joins: true, delay: .milliseconds(10)))
        _ = queue.add(.init(id: 1, rows: 1, key: "", priority: 0, arrived: Self.at(0), deadline: Self.at(500)))
        let steps = [0, 300].map { now in Self.said(queue.next(now: Self.at(now)) { _ in 200_000 }) }
        #expect(steps == ["until 300", "[1] deadline"])
    }

    @Test("a full queue takes no more, and what is taken out makes room")
    func limit() {
        var queue = Self.queue(.init(limit: 2), [1, 1])
        let late = Queue.Waiting(id: 7, rows: 1, key: "k", priority: 0, arrived: Self.at(9), deadline: nil)
        let refused = queue.add(late)
        let removed = queue.remove(id: 0, priority: 0)
        let removedAgain = queue.remove(id: 0, priority: 0)
        let taken = queue.add(late)
        #expect([refused, removed, removedAgain, taken] == [false, true, false, true])
        let steps = (0..<2).map { _ in Self.said(queue.next(now: Self.at(9))) }
        #expect(steps == ["[1] single", "[7] single"])
        #expect(queue.count == 0)
    }

    @Test("ten thousand requests of mixed keys leave once each, in the order of their key")
    func order() {
        var queue = Queue(.init(joins: true, largest: 7, limit: .max))
        for id in 0..<10_000 {
            _ = queue.add(
                .init(id: id, rows: 1 + id % 3, key: "\(id * id % 5)", priority: 0, arrived: Self.at(0), deadline: nil))
        }
        var seen: [String: Int] = [:]
        var count = 0
        while case .execute(let batch, _) = queue.next(now: Self.at(1)) {
            #expect(Set(batch.map(\.key)).count == 1)
            #expect(batch.count == 1 || batch.reduce(0) { $0 + $1.rows } <= 7)
            for waiting in batch {
                #expect(waiting.id > seen[waiting.key] ?? -1)
                seen[waiting.key] = waiting.id
                count += 1
            }
        }
        #expect(count == 10_000)
    }
}
