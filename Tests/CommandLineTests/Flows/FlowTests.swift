import CommandLineKit
import Contracts
import Loop
import Tar
import Testing

@testable import Slipway

@Suite("What commands do with services")
struct FlowTests {
    private func run(_ line: [String], _ script: FakeSuite.Script) async throws -> (CommandRun, FakeSuite.Seen) {
        let suite = try await FakeSuite(script)
        let outcome = try await CommandRun(line, at: suite.address)
        await suite.stop()
        return (outcome, suite.seen.withLock { $0 })
    }

    private var success: FakeSuite.Script {
        FakeSuite.Script(
            watches: [[FakeSuite.activity(.running, 2, fraction: 0.5), FakeSuite.activity(.succeeded, 3)]],
            logs: [["one", "two", "three"]], built: .init(name: "churn-svc", version: 1, digest: "sha256:00"))
    }

    @Test("a build is followed to its end: the name on the output, the log beside it")
    func build() async throws {
        let folder = try TemporaryFolder()
        try folder.write(["score.py": "x", "env.yml": "y", ".git/HEAD": ""])
        let line = [
            "image", "build", "churn:3", "--entry", folder.path("score.py"), "--deps", folder.path("env.yml"), "--gpu",
            "--tag", "a=b", "--cpu", "0.5", "--memory", "1GB", "--adapter", "churn=python", "--step", "ENV A=b",
        ]
        let (outcome, seen) = try await run(line, success)
        #expect(outcome.failure == nil, "\(outcome.failure?.message ?? "")")
        #expect(outcome.output == "churn-svc:1\n")
        #expect(outcome.errors.contains("one\ntwo\nthree\n"))
        let request = try #require(seen.builds.first)
        #expect(request.recipe?.source == "sha256:5e")
        #expect(request.recipe?.entry == "score.py" && request.recipe?.dependencies == "env.yml")
        #expect(request.recipe?.resources == .init(cpuMillis: 500, memoryBytes: 1_000_000_000, gpus: 1))
        #expect(request.recipe?.adapters == ["churn": "python"] && request.tags == ["a": "b"])
        #expect(!request.requestId.isEmpty)
        var reader = TarReader()
        var rest = seen.archive[...]
        var paths: [String] = []
        while let event = try reader.next(&rest) { if case .entry(let entry) = event { paths.append(entry.path) } }
        #expect(paths == ["env.yml", "score.py"])
    }

    @Test("a build goes on being followed where connections break, and no line comes twice")
    func broken() async throws {
        var script = success
        script.watches.insert([FakeSuite.activity(.running, 2)], at: 0)
        script.logs.insert(["one", "two"], at: 0)
        let (outcome, _) = try await run(["image", "build", "churn:3"], script)
        #expect(outcome.failure == nil, "\(outcome.failure?.message ?? "")")
        #expect(outcome.errors.hasPrefix("one\ntwo\nthree\n"))
    }

    @Test("a build that fails tells why; its last lines too where they were not shown", arguments: [false, true])
    func failed(_ isQuiet: Bool) async throws {
        var script = success
        script.watches = [[FakeSuite.activity(.failed, 3)]]
        let (outcome, _) = try await run(["image", "build", "churn:3"] + (isQuiet ? ["-q"] : []), script)
        #expect(outcome.failure?.code == .failed)
        let message = outcome.failure?.message ?? ""
        #expect(message.hasPrefix("the build failed: numpy 1 and numpy 2 do not go together"))
        #expect(message.contains("three") == isQuiet)
        #expect(outcome.output.isEmpty)
    }

    @Test("a build that somebody cancelled has an exit code of its own")
    func cancelled() async throws {
        var script = success
        script.watches = [[FakeSuite.activity(.cancelled, 3)]]
        let (outcome, _) = try await run(["image", "build", "churn:3"], script)
        #expect(outcome.failure?.code == .cancelled)
        #expect(outcome.failure?.message == "the build was cancelled by person:ada")
    }

    @Test("a build that is left alone gives its id")
    func detached() async throws {
        let (outcome, _) = try await run(["image", "build", "churn:3", "--detach"], success)
        #expect(outcome.output == FakeSuite.id + "\n")
    }

    @Test("an activity is waited for, and cancelled")
    func activities() async throws {
        let waited = try await run(["activity", "wait", FakeSuite.id], success).0
        #expect(waited.failure == nil && waited.errors.contains("succeeded"))
        let (outcome, seen) = try await run(["activity", "cancel", FakeSuite.id], success)
        #expect(outcome.errors.contains("is asked to end"))
        #expect(seen.cancelled == [FakeSuite.id])
    }

    @Test("a tail goes on behind its last event where the stream breaks")
    func tail() async throws {
        let script = FakeSuite.Script(tails: [["1", "2"], ["3"], ["4", "5"]])
        let (outcome, seen) = try await run(["events", "tail", "--since", "1h", "--count", "4", "-o", "json"], script)
        #expect(outcome.failure == nil, "\(outcome.failure?.message ?? "")")
        let ids = try outcome.output.split(separator: "\n").map { try Document(parsing: String($0))["id"]?.text }
        #expect(ids == ["1", "2", "3", "4"])
        #expect(seen.tails.map(\.after) == ["", "2", "3"])
        #expect(seen.tails.map { $0.since == nil } == [false, true, true])
    }

    @Test("a server without the service is told, with how to say where it is")
    func elsewhere() async throws {
        let (outcome, _) = try await run(["subscription", "list"], success)
        #expect(outcome.failure?.message.contains("has no events service") == true)
        #expect(outcome.failure?.message.contains("--events-server") == true)
    }
}
