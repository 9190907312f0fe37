import Glibc
import Loop
import Testing

@testable import ServiceKit

@Suite("a service group")
struct ServiceGroupTests {
    final class Steps: Sendable {
        private let steps = Lock<[String]>([])
        func add(_ step: String) { steps.withLock { $0.append(step) } }
        var all: [String] { steps.withLock { $0 } }
    }

    func polite(_ name: String, _ steps: Steps) -> ClosureService {
        ClosureService(name, startTimeout: .seconds(10)) {
            steps.add("\(name) starts")
            StopSignal.started()
            try await StopSignal.wait()
            steps.add("\(name) stops")
        }
    }

    @Test("starts in order and stops in reverse")
    func order() async throws {
        try await withLoop { loop in
            let steps = Steps()
            let group = ServiceGroup([polite("a", steps), polite("b", steps), polite("c", steps)], loop: loop)
            async let run: Void = group.run()
            try await eventually("all started") { steps.all.count == 3 }
            group.stop()
            try await run
            #expect(steps.all == ["a starts", "b starts", "c starts", "c stops", "b stops", "a stops"])
        }
    }

    @Test("a failure stops the others and is what the group throws")
    func failure() async throws {
        struct Broken: Error {}
        try await withLoop { loop in
            let steps = Steps()
            let broken = ClosureService("broken") {
                try await eventually("a started") { steps.all == ["a starts"] }
                throw Broken()
            }
            let group = ServiceGroup([polite("a", steps), broken], loop: loop)
            do {
                try await group.run()
                Issue.record("the failure was lost")
            } catch is Broken {}
            #expect(steps.all == ["a starts", "a stops"])
        }
    }

    @Test("a service that ignores the stop is cancelled after its grace, and one that ignores that is left behind")
    func escalation() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let steps = Steps()
            let release = StopSignal()
            let deaf = ClosureService("deaf") {
                steps.add("deaf runs")
                await withTaskCancellationHandler {
                    // Neither the group's wish nor the cancellation ends this wait.
                    await Task.detached { try? await release.wait() }.value
                } onCancel: {
                    steps.add("cancelled")
                }
            }
            var configuration = ServiceGroup.Configuration()
            configuration.grace = .seconds(30)
            configuration.cancelGrace = .seconds(5)
            configuration.onEvent = { if case .stopping = $0 { steps.add("asked") } }
            let group = ServiceGroup([deaf], loop: loop, configuration: configuration)
            let run = Task { try await group.run() }
            try await eventually("it runs") { steps.all == ["deaf runs"] }
            group.stop()
            try await eventually("it was asked") { steps.all.last == "asked" }
            clock.advance(by: .seconds(29))
            try await loop.submit {}
            #expect(steps.all.last == "asked")
            clock.advance(by: .seconds(1))
            try await eventually("it was cancelled") { steps.all.last == "cancelled" }
            clock.advance(by: .seconds(5))
            let result = await run.result
            #expect(throws: ServiceGroupError.leftBehind(["deaf"])) { try result.get() }
            release.request()
        }
    }

    @Test("a service that does not start in time stops the group and is named")
    func late() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let steps = Steps()
            let late = ClosureService("late", startTimeout: .seconds(10)) {
                steps.add("late runs")
                try await StopSignal.wait()
            }
            let group = ServiceGroup([late, polite("never", steps)], loop: loop)
            let run = Task { try await group.run() }
            try await eventually("it runs") { steps.all == ["late runs"] }
            try await loop.submit {}
            clock.advance(by: .seconds(10))
            let result = await run.result
            #expect(throws: ServiceGroupError.startTimedOut("late")) { try result.get() }
            #expect(steps.all == ["late runs"])
        }
    }

    @Test("cancelling the group's task cancels its services")
    func cancel() async throws {
        try await withLoop { loop in
            let steps = Steps()
            let group = ServiceGroup([polite("a", steps)], loop: loop)
            let run = Task { try await group.run() }
            try await eventually("started") { steps.all.count == 1 }
            run.cancel()
            let result = await run.result
            #expect(throws: CancellationError.self) { try result.get() }
            #expect(steps.all == ["a starts"])
        }
    }

    @Test("a signal stops the group in order")
    func signals() async throws {
        let held = SIGUSR2
        ProcessSignals.hold([held])
        let loops = try LoopGroup(count: 1, name: "signals")
        try loops.start()
        defer { loops.stop() }
        let steps = Steps()
        var configuration = ServiceGroup.Configuration()
        configuration.signals = [held]
        configuration.onEvent = { if case .signal = $0 { steps.add("signal") } }
        let group = ServiceGroup([polite("a", steps)], loop: loops.loops[0], configuration: configuration)
        let run = Task { try await group.run() }
        try await eventually("started") { steps.all.count == 1 }
        // To the loop's own thread: a signal to the process could end it where another thread does not hold it.
        try await loops.loops[0].submit { _ = raise(held) }
        try await run.value
        #expect(steps.all == ["a starts", "signal", "a stops"])
    }
}
