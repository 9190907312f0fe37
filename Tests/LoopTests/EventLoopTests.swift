import Glibc
import Testing

@testable import Loop

@Suite("An event loop")
struct EventLoopTests {
    @Test("runs a task that prefers it on its own thread throughout")
    func staysOnThread() async throws {
        try await withLoops(2) { group in
            for loop in group.loops {
                let strayed = await Task(executorPreference: loop) {
                    var strayed = 0
                    for _ in 0..<100 {
                        if !loop.isCurrent || EventLoop.current !== loop { strayed += 1 }
                        await Task.yield()
                        strayed += await elsewhere(loop)
                    }
                    async let child = elsewhere(loop)
                    return await strayed + child
                }.value
                #expect(strayed == 0)
            }
            #expect(EventLoop.current == nil)
        }
    }

    @Test("is woken by other threads, and loses nothing of what they hand over")
    func wakeUps() async throws {
        try await withLoops { group in
            let loop = group.loops[0]
            let count = Lock(0)
            await withTaskGroup(of: Void.self) { tasks in
                for _ in 0..<8 {
                    tasks.addTask {
                        for _ in 0..<5000 { loop.execute { count.withLock { $0 += 1 } } }
                    }
                }
            }
            try await loop.submit {}
            #expect(count.withLock { $0 } == 40_000)
        }
    }

    @Test("ping-pong between two loops makes progress without a time-out")
    func pingPong() async throws {
        try await withLoops(2) { group in
            let (one, two) = (group.loops[0], group.loops[1])
            var value = 0
            for _ in 0..<2000 {
                let seen = value
                value = try await one.submit { seen + 1 }
                let next = value
                value = try await two.submit { next + 1 }
            }
            #expect(value == 4000)
        }
    }

    @Test("what an abandoned loop was to do never happens")
    func abandonment() throws {
        let group = try LoopGroup(count: 1)
        try group.start()
        let loop = group.loops[0]
        group.abandon()
        let hasRun = Lock(false)
        loop.execute { hasRun.withLock { $0 = true } }
        #expect(!hasRun.withLock { $0 })
        #expect(!loop.isCurrent)
    }

    @Test("submit carries results and errors back")
    func submit() async throws {
        try await withLoops { group in
            let seven = try await group.loops[0].submit { 7 }
            #expect(seven == 7)
            await #expect(throws: LoopError.self) {
                try await group.loops[0].submit { throw LoopError(operation: "x", number: 1) }
            }
        }
    }

    @Test("next gives a loop's own thread itself, and others each in turn")
    func next() async throws {
        try await withLoops(3) { group in
            for loop in group.loops {
                let own = try await loop.submit { group.next() === loop }
                #expect(own)
            }
            #expect(Set((0..<3).map { _ in ObjectIdentifier(group.next()) }).count == 3)
        }
    }

    @Test("a stopped loop runs on the caller's thread what it is given")
    func afterStop() throws {
        let group = try LoopGroup(count: 1, name: "test")
        try group.start()
        group.stop()
        let ran = Lock(false)
        group.loops[0].execute { ran.withLock { $0 = true } }
        #expect(ran.withLock { $0 })
    }

    @Test("stopping tells every open channel, which is closed")
    func stopTellsChannels() async throws {
        final class Watched: Channel {
            let told: Lock<Int>
            init(_ descriptor: Int32, _ loop: EventLoop, _ told: Lock<Int>) {
                self.told = told
                super.init(descriptor: descriptor, loop: loop)
            }
            override func loopStopped() {
                told.withLock { $0 += 1 }
                loop.remove(self)
            }
        }
        let told = Lock(0)
        let group = try LoopGroup(count: 1, name: "test")
        try group.start()
        let loop = group.loops[0]
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let descriptor = ends[0]
        try await loop.submit { try loop.add(Watched(descriptor, loop, told)) }
        group.stop()
        #expect(told.withLock { $0 } == 1)
        #expect(fcntl(descriptor, F_GETFD) == -1)
        close(ends[1])
    }
}

/// 0 where it runs on the loop's thread.
private func elsewhere(_ loop: EventLoop) async -> Int { loop.isCurrent ? 0 : 1 }

@Suite("A compute pool")
struct ComputePoolTests {
    @Test("refuses what its queue does not hold, and serves the rest")
    func bound() async throws {
        let pool = ComputePool(threads: 1, queueLimit: 2)
        let gate = Gate()
        try pool.start()
        defer { pool.stop() }
        let busy = Task { try await pool.run { gate.enterAndWait() } }
        gate.waitUntilEntered()
        let waiting = (0..<2).map { number in Task { try await pool.run { number } } }
        while pool.waitingCount < 2 { await Task.yield() }
        await #expect(throws: ComputePoolError.full(limit: 2)) { try await pool.run {} }
        gate.open()
        try await busy.value
        for (number, task) in waiting.enumerated() {
            let answer = try await task.value
            #expect(answer == number)
        }
    }

    @Test("runs tasks off the loops, as many at once as it has threads")
    func parallel() async throws {
        let pool = ComputePool(threads: 2)
        try pool.start()
        defer { pool.stop() }
        let (first, second) = (Gate(), Gate())
        // Each waits for the other: with one thread this would never end.
        async let one: Void = pool.run {
            second.open()
            first.enterAndWait()
        }
        async let two: Void = pool.run {
            first.open()
            second.enterAndWait()
        }
        _ = try await (one, two)
        let offLoop = await Task(executorPreference: pool) { EventLoop.current == nil }.value
        #expect(offLoop)
    }
}

/// A door that threads wait at.
private final class Gate: @unchecked Sendable {
    private let state = Lock((isOpen: false, entered: false))

    func open() { state.withLock { $0.isOpen = true } }

    func enterAndWait() {
        state.withLock { $0.entered = true }
        while !state.withLock({ $0.isOpen }) { sched_yield() }
    }

    func waitUntilEntered() { while !state.withLock({ $0.entered }) { sched_yield() } }
}

@Suite("A lock")
struct LockTests {
    @Test("lets one thread in at a time and passes results and errors through")
    func exclusion() async throws {
        let lock = Lock(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { for _ in 0..<10_000 { lock.withLock { $0 += 1 } } } }
        }
        #expect(lock.withLock { $0 } == 40_000)
        #expect(throws: LoopError.self) { try lock.withLock { _ in throw LoopError(operation: "x", number: 1) } }
        #expect(lock.withLock { $0 } == 40_000)
    }
}

@Suite("A loop that stopped")
struct StoppedLoopTests {
    @Test("is freed with its timers, and whoever slept on it goes on")
    func freed() async throws {
        weak var loop: EventLoop?
        let clock = ManualClock()
        do {
            let group = try LoopGroup(count: 1, name: "test", clock: clock)
            try group.start()
            let running = group.loops[0]
            loop = running
            try await running.submit { _ = running.schedule(after: .seconds(1)) { _ = running.name } }
            let sleeper = Task { try await running.sleep(for: .seconds(5)) }
            while try await running.submit({ running.counts.timers }) < 2 { await Task.yield() }
            group.stop()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
        }
        #expect(loop == nil)
    }
}
