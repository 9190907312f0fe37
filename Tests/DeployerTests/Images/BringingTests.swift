import Access
import Blobs
import Contracts
import Loop
import OCI
import RPC
import Testing

@testable import DeployerCore
@testable import Postgres

@Suite("bringing images", .timeLimit(.minutes(5))) struct BringingTests {
    private struct Killed: Error {}

    /// What is due later is due now.
    private func hurry(_ desk: Desk) async throws {
        try await desk.pool.execute("UPDATE deployments.revisions SET due = now()")
    }

    private func stages(_ desk: Desk) async throws -> [String] {
        try await desk.pool.query("SELECT stage FROM deployments.revisions ORDER BY deployment, number").all(
            String.self)
    }

    @Test("an image comes whole and is then as places take it; a second revision of it waits for nothing")
    func brought() async throws {
        try await withDesk { desk in
            try await desk.create()
            #expect(try await stages(desk) == ["bringing"])
            #expect(try await desk.bringer().sweep() == 1)
            #expect(try await stages(desk) == ["ready"])
            let digest = try await desk.images.image("churn:1", for: desk.change.acting).digest
            let image = try await desk.local.image(digest, name: "lab/churn:1")
            #expect(image.manifest.layers.count == 1)
            try await desk.create("second")
            #expect(try await stages(desk) == ["ready", "ready"])
            #expect(try await desk.bringer().sweep() == 0)
        }
    }

    @Test("killed when the parts are here and nothing names them, another one finishes it")
    func killedBetween() async throws {
        try await withDesk { desk in
            try await desk.create()
            let killed = desk.bringer { step in if case .brought = step { throw CancellationError() } }
            _ = try? await killed.sweep()
            try await hurry(desk)
            #expect(try await stages(desk) == ["bringing"])
            #expect(try await desk.bringer().sweep() == 1)
            #expect(try await stages(desk) == ["ready"])
        }
    }

    @Test("a version without an image has one built, in the name of whoever deploys, and used from the start")
    func built() async throws {
        try await withDesk { desk in
            desk.images.state.withLock { _ = $0.models.insert("fresh:1") }
            _ = try await desk.deployments.createDeployment(
                .init(name: "fresh", content: .init(kind: .model("fresh:1"))))
            #expect(try await stages(desk) == ["building"])
            let uses = try await desk.pool.query("SELECT versions FROM deployments.reports").all([String].self)
            #expect(uses == [["fresh:1"]])
            #expect(try await desk.bringer().sweep() == 1)
            try await hurry(desk)
            #expect(try await desk.bringer().sweep() == 1)
            #expect(try await stages(desk) == ["building"])
            try desk.images.add("fresh", 1, models: ["fresh:1"])
            desk.images.state.withLock { $0.outcome = .built(image: "fresh:1") }
            try await hurry(desk)
            #expect(try await desk.bringer().sweep() == 1)
            #expect(try await stages(desk) == ["bringing"])
            #expect(try await desk.bringer().sweep() == 1)
            let revision = try await desk.deployments.listRevisions(.init(name: "fresh")).revisions.first
            #expect(revision?.image == "fresh:1")
            #expect(try await stages(desk) == ["ready"])
            #expect(desk.images.state.withLock { $0.builds.count } == 1)
        }
    }

    @Test("killed between asking for a build and writing it down, the same build is gone on with")
    func killedAsking() async throws {
        try await withDesk { desk in
            desk.images.state.withLock { _ = $0.models.insert("fresh:1") }
            _ = try await desk.deployments.createDeployment(
                .init(name: "fresh", content: .init(kind: .model("fresh:1"))))
            let killed = desk.bringer { step in if case .asked = step { throw Killed() } }
            _ = try await killed.sweep()
            try await hurry(desk)
            _ = try await desk.bringer().sweep()
            let activities = try await desk.pool.query("SELECT build FROM deployments.revisions").all(String?.self)
            #expect(desk.images.state.withLock { Array($0.builds.values) } == activities.compactMap { $0 })
            #expect(activities.count == 1)
        }
    }

    @Test("a build that fails fails the revision with its reason, and the history has it")
    func failedBuild() async throws {
        try await withDesk { desk in
            desk.images.state.withLock { state in
                state.models.insert("fresh:1")
                state.outcome = .failed("there is no adapter for it")
            }
            _ = try await desk.deployments.createDeployment(
                .init(name: "fresh", content: .init(kind: .model("fresh:1"))))
            for _ in 0..<2 {
                _ = try await desk.bringer().sweep()
                try await hurry(desk)
            }
            #expect(try await stages(desk) == ["failed"])
            let last = try await desk.deployments.history(.init(name: "fresh")).entries.first
            #expect(last?.action == "deployment.revision-failed")
            #expect(last?.message.contains("there is no adapter for it") == true)
        }
    }

    @Test("what passes is tried again later; what does not pass fails at once")
    func failures() async throws {
        try await withDesk { desk in
            try await desk.create()
            desk.images.state.withLock { $0.failure = OCIError(.unavailable, "nobody answers") }
            _ = try await desk.bringer().sweep()
            #expect(try await stages(desk) == ["bringing"])
            let messages = try await desk.pool.query("SELECT stage_message FROM deployments.revisions").all(String.self)
            #expect(messages == ["its image can't be had just now: nobody answers"])
            desk.images.state.withLock { $0.failure = OCIError(.unsupported, "it is for another machine") }
            try await hurry(desk)
            _ = try await desk.bringer().sweep()
            #expect(try await stages(desk) == ["failed"])
        }
    }

    @Test("what no revision needs is collected, and what one needs stays")
    func collected() async throws {
        try await withDesk { desk in
            try await desk.create("kept", image: "churn:1")
            try await desk.create("gone", image: "churn:2")
            while try await desk.bringer().sweep() > 0 {}
            let number = try await desk.number("gone")
            _ = try await desk.deployments.deleteDeployment(.init(name: "gone"))
            #expect(try await desk.pool.transaction { try await DeploymentEnd.finish(number, in: $0) })
            let young = LocalImageKeeper(desk.local, loop: desk.fixture.loops.loops[0])
            #expect(try await young.collect()?.images == 0)
            let keeper = LocalImageKeeper(desk.local, loop: desk.fixture.loops.loops[0], age: .zero)
            #expect(try await keeper.collect()?.images == 1)
            let digest = try await desk.images.image("churn:1", for: desk.change.acting).digest
            #expect(try await desk.local.image(digest, name: "lab/churn:1").digest == "\(digest)")
            let other = try await desk.images.image("churn:2", for: desk.change.acting).digest
            #expect(try await desk.fixture.blobs.stat(other) == nil)
        }
    }
}
