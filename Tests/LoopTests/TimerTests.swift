import Testing

@testable import Loop

/// Runs `body` with a started group.
func withLoops(
    _ count: Int = 1, clock: any LoopClock = MonotonicClock(), _ body: (LoopGroup) async throws -> Void
) async throws {
    let group = try LoopGroup(count: count, name: "test", clock: clock)
    try group.start()
    defer { group.stop() }
    try await body(group)
}

@Suite("A loop's timers")
struct TimerTests {
    @Test("fire in the order of their deadlines, whatever the order of scheduling")
    func order() async throws {
        let clock = ManualClock()
        try await withLoops(clock: clock) { group in
            let loop = group.loops[0]
            let fired = Lock<[Int]>([])
            let done = try await loop.submit {
                for number in [5, 1, 4, 2, 3] {
                    loop.schedule(after: .seconds(number)) { fired.withLock { $0.append(number) } }
                }
                return true
            }
            #expect(done)
            clock.advance(by: .seconds(3))
            try await settle(loop)
            #expect(fired.withLock { $0 } == [1, 2, 3])
            clock.advance(by: .seconds(100))
            try await settle(loop)
            #expect(fired.withLock { $0 } == [1, 2, 3, 4, 5])
            let left = try await loop.submit { loop.counts.timers }
            #expect(left == 0)
        }
    }

    @Test("a hundred thousand may be pending; cancelling takes each out at once")
    func many() async throws {
        let clock = ManualClock()
        try await withLoops(clock: clock) { group in
            let loop = group.loops[0]
            let fired = Lock(0)
            let left = try await loop.submit {
                var timers: [LoopTimer] = []
                for number in 0..<100_000 {
                    timers.append(
                        loop.schedule(after: .milliseconds(number * 7919 % 100_000 + 1)) { fired.withLock { $0 += 1 } })
                }
                for index in stride(from: 0, to: timers.count, by: 2) { timers[index].cancel() }
                for index in stride(from: 0, to: timers.count, by: 2) { timers[index].cancel() }
                return loop.counts.timers
            }
            #expect(left == 50_000)
            clock.advance(by: .seconds(1000))
            try await settle(loop)
            #expect(fired.withLock { $0 } == 50_000)
        }
    }

    @Test("a sleep ends with the clock, or at once with its task")
    func sleep() async throws {
        let clock = ManualClock()
        try await withLoops(clock: clock) { group in
            let loop = group.loops[0]
            let sleeper = Task { try await loop.sleep(for: .seconds(5)) }
            while try await loop.submit({ loop.counts.timers }) == 0 { await Task.yield() }
            clock.advance(by: .seconds(5))
            try await sleeper.value
            let cancelled = Task { try await loop.sleep(for: .seconds(5)) }
            while try await loop.submit({ loop.counts.timers }) == 0 { await Task.yield() }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            let late = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await loop.sleep(for: .seconds(5))
            }
            await #expect(throws: CancellationError.self) { try await late.value }
        }
    }

    @Test("durations and instants saturate instead of overflowing")
    func saturation() {
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
        #expect(LoopInstant(nanoseconds: .max - 1).advanced(by: .seconds(1)).nanoseconds == .max)
        #expect(LoopInstant(nanoseconds: 5).advanced(by: .nanoseconds(-3)).nanoseconds == 2)
    }
}

/// Returns after a whole turn of the loop: what was handed over comes before the timers of its turn.
func settle(_ loop: EventLoop) async throws {
    try await loop.submit {}
    try await loop.submit {}
}
