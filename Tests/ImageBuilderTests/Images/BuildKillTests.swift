import Contracts
import Loop
import RPC
import Testing

@testable import Access
@testable import Activities
@testable import Blobs
@testable import Identity
@testable import ImageBuilderCore
@testable import Postgres

@Suite("builds that are killed")
struct BuildKillTests {
    static let steps: [BuildStep] = [.hold, .models, .assemble, .record, .recorded]

    /// Where a handler stands still until the test lets it go on, as a process does that hangs.
    private final class Gate: Sendable {
        private let state = Lock((isReached: false, isOpen: false, waiting: [CheckedContinuation<Void, Never>]()))

        func hold() async {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    state.isReached = true
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }

        var isReached: Bool { state.withLock { $0.isReached } }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    private func wait(_ builder: BuilderFixture, until isTrue: () -> Bool) async throws {
        for _ in 0..<6000 where !isTrue() {
            try await builder.fixture.loops.loops[0].sleep(for: .milliseconds(10))
        }
        #expect(isTrue())
    }

    private func stuck(_ builder: BuilderFixture, at step: BuildStep, _ gate: Gate) -> BuildHandler {
        var handler = BuildHandler(builder.parts)
        handler.onStep = { if $0 == step { await gate.hold() } }
        return handler
    }

    @Test("another worker takes over, whatever step the first one hangs in, and there is one image", arguments: steps)
    func takenOver(step: BuildStep) async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let id = try await builder.build()
            let gate = Gate()
            let first = builder.worker("first", handler: stuck(builder, at: step, gate), concurrency: 1)
            let second = builder.worker("second", concurrency: 1)
            let running = Task { try await first.run() }
            try await wait(builder) { gate.isReached }
            // As it is when a process dies: nobody renews, and the lease runs out.
            try await builder.pool.execute("UPDATE leases.leases SET claimable_at = now() - interval '1 second'")
            let activity = try await builder.finish(id, [second])
            gate.open()
            running.cancel()
            _ = await running.result
            #expect(activity.state == .succeeded)
            #expect(activity.worker == "second")
            #expect(try await builder.count("images") == 1)
            #expect(try await builder.journal("image.built") == ["images/svc:1"])
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1") == ["images/svc:1"])
            #expect(try await builder.count("builds") == 0)
            #expect(try await builder.count("build_blobs") == 0)
            #expect(try await builder.count("reports") == 1)
        }
    }

    @Test("a worker that is stopped in a step hands the build back, and the next one finishes it", arguments: steps)
    func handedBack(step: BuildStep) async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let id = try await builder.build()
            let gate = Gate()
            let first = builder.worker("first", handler: stuck(builder, at: step, gate), concurrency: 1)
            let running = Task { try await first.run() }
            try await wait(builder) { gate.isReached }
            running.cancel()
            gate.open()
            _ = await running.result
            #expect(try await builder.finish(id).state == .succeeded)
            #expect(try await builder.count("images") == 1)
            #expect(try await builder.images.getImage(.init(image: "svc:1")).version == 1)
        }
    }

    @Test(
        "a build that is cancelled in a step leaves no image, and holds nothing any more",
        arguments: [BuildStep.hold, .models, .assemble, .record])
    func cancelled(step: BuildStep) async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let id = try await builder.build()
            let gate = Gate()
            let worker = builder.worker("first", handler: stuck(builder, at: step, gate), concurrency: 1)
            let running = Task { try await builder.activities.run() }
            let activity = try await builder.withWorkers([worker]) {
                try await wait(builder) { gate.isReached }
                _ = try await builder.activities.cancel(id, actor: "person:ada")
                try await builder.fixture.loops.loops[0].sleep(for: .milliseconds(200))
                gate.open()
                return try await builder.ended(id)
            }
            running.cancel()
            _ = await running.result
            // What was told too late to matter may have come through: then there is a whole image.
            let images = try await builder.count("images")
            #expect(activity.state == (images == 0 ? .cancelled : .succeeded))
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1") == (images == 0 ? [] : ["images/svc:1"]))
            #expect(try await builder.count("builds") == 0)
            #expect(try await builder.count("build_blobs") == 0)
            // A number that nobody got is given to the next one.
            if images == 0 {
                _ = try await builder.finish(try await builder.build())
                #expect(try await builder.images.getImage(.init(image: "svc/latest")).version == 1)
            }
        }
    }

    @Test("a registry that can't be reached is asked again")
    func retried() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let id = try await builder.build()
            try await builder.tell()
            builder.outage.begin("Download")
            let activity = try await builder.withWorkers([builder.worker()]) {
                for _ in 0..<6000 {
                    if try await builder.activities.get(id).failure?.code == "retry" { break }
                    if try await builder.activities.get(id).attempts > 1 { break }
                    try await builder.fixture.loops.loops[0].sleep(for: .milliseconds(10))
                }
                builder.outage.end()
                return try await builder.ended(id)
            }
            #expect(activity.state == .succeeded)
            #expect(activity.attempts > 1)
        }
    }
}
