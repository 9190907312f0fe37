import CommandLineKit
import Contracts
import Protobuf
import Testing

@testable import Slipway

@Suite("slipway deploy")
struct DeployTests {
    typealias V1 = Slipway.Deployments.V1

    private func run(
        _ line: [String], _ script: FakeDeployer.Script
    ) async throws -> (run: CommandRun, deployer: FakeDeployer) {
        let deployer = try await FakeDeployer(script)
        let run = try await CommandRun(line, at: deployer.address)
        await deployer.stop()
        return (run, deployer)
    }

    private var fresh: FakeDeployer.Script {
        var script = FakeDeployer.Script()
        script.watches = [
            [
                FakeDeployer.deployment(.deploying, ready: 0),
                FakeDeployer.deployment(
                    .deploying, ready: 0,
                    conditions: [.init(type: "RevisionReady", holds: false, reason: "Building", message: "builds")]),
                FakeDeployer.deployment(),
            ]
        ]
        script.signature = .init(inputs: [.init(name: "x", datatype: "FP32", shape: [-1, 2])])
        return script
    }

    private var there: FakeDeployer.Script {
        var script = FakeDeployer.Script(
            deployment: FakeDeployer.deployment(),
            revisions: [
                .init(
                    number: 1, image: "churn-svc:1", models: ["churn:1"],
                    settings: .init(variables: ["A": "1", "B": "2"], concurrency: 4))
            ])
        script.watches = [
            [
                FakeDeployer.deployment(),
                FakeDeployer.deployment(
                    generation: 3, rollout: .init(from: 1, to: 2, state: .baking, percent: 10)),
                FakeDeployer.deployment(generation: 3, revision: 2, rollout: .init(from: 1, to: 2, state: .done)),
            ]
        ]
        return script
    }

    @Test("a version that is new is made, waited for, and told with an address and a request to try")
    func create() async throws {
        let (run, deployer) = try await run(
            [
                "deploy", "churn:3", "--min", "0", "--max", "3", "--env", "A=b", "--secret-env", "KEY=stripe",
                "--cpu", "0.5", "--memory", "1GB", "--concurrency", "2", "--queue-wait", "250ms", "--tag",
                "team=growth",
                "--auth", "tokens",
            ], fresh)
        #expect(run.failure == nil, "\(run.failure?.message ?? "")")
        #expect(run.output == "\(deployer.address)/endpoints/default/churn\n")
        let request = try #require(deployer.asked(V1.CreateDeploymentRequest.self).first)
        #expect(request.name == "churn" && request.content?.kind == .model("churn:3") && !request.requestId.isEmpty)
        #expect(request.scaling == .init(minimum: 0, maximum: 3))
        #expect(
            request.settings
                == .init(
                    variables: ["A": "b"], secretVariables: ["KEY": "stripe"], cpuMillis: 500,
                    memoryBytes: 1_000_000_000, concurrency: 2, queueWait: .init(nanos: 250_000_000)))
        #expect(request.security?.authentication == .tokens && request.tags == ["team": "growth"])
        #expect(run.errors.contains("Building: builds"))
        #expect(
            run.errors.contains(
                "try it:\n  curl -s \(deployer.address)/endpoints/default/churn/score "
                    + "-H \"authorization: Bearer $(slipway deployment keys churn --primary)\" "
                    + "-H 'content-type: application/json' -d '{\"data\":[[0.0,0.0]]}'"), "\(run.errors)")
    }

    @Test("the flags that led to the suite stand in the line to try")
    func flags() async throws {
        let (run, _) = try await run(["deploy", "churn:3", "-w", "growth team"], fresh)
        #expect(run.errors.contains("keys churn --primary --workspace 'growth team')"), "\(run.errors)")
    }

    @Test("one that is there gets a revision with what is said on top of what it has")
    func update() async throws {
        let (run, deployer) = try await run(
            [
                "deploy", "--image", "churn-svc:2", "--name", "churn", "--env", "B=3", "--canary", "10", "--bake", "5m",
                "--gate", "error-rate=1%", "--gate", "p99=200ms", "--gate-requests", "50", "--max", "8",
            ], there)
        #expect(run.failure == nil, "\(run.failure?.message ?? "")")
        #expect(run.errors.contains("churn is there already: it gets a new revision"))
        #expect(run.errors.contains("revision 2 has 10 % of the requests"))
        let request = try #require(deployer.asked(V1.UpdateDeploymentRequest.self).first)
        #expect(request.content?.kind == .image("churn-svc:2"))
        #expect(request.settings == .init(variables: ["A": "1", "B": "3"], concurrency: 4))
        #expect(
            request.plan
                == .init(
                    strategy: .canary, stepPercent: 10, bake: .init(seconds: 300),
                    gates: [
                        .init(measure: .errorRate, maximum: 0.01, requests: 50),
                        .init(measure: .latencyP99Ms, maximum: 200, requests: 50),
                    ]))
        #expect(request.expectedGeneration == 2)
        let scaling = try #require(deployer.asked(V1.SetScalingRequest.self).first)
        #expect(scaling.scaling == .init(minimum: 1, maximum: 8) && scaling.expectedGeneration == 1)
    }

    @Test("a rollout that goes back ends with 1 and says why")
    func rolledBack() async throws {
        var script = there
        script.watches = [
            [
                FakeDeployer.deployment(
                    generation: 3, rollout: .init(from: 1, to: 2, state: .rolledBack, message: "12 % failed, over 1 %"))
            ]
        ]
        let (run, _) = try await run(["deploy", "churn:4"], script)
        #expect(run.failure?.code == .failed)
        let message = run.failure?.message ?? ""
        #expect(
            message.hasPrefix(
                "churn failed: revision 2 was rolled back: 12 % failed, over 1 %\n  revision 1 serves as before"))
        #expect(message.contains("slipway deployment logs churn"))
        #expect(run.output.isEmpty)
    }

    @Test("one that never gets ready ends with the reason out of its conditions")
    func failed() async throws {
        var script = fresh
        script.watches = [
            [
                FakeDeployer.deployment(
                    .failed, ready: 0,
                    conditions: [
                        .init(type: "Ready", holds: false, reason: "CrashLoop", message: "no replica is ready"),
                        .init(
                            type: "RevisionReady", holds: false, reason: "CrashLoop",
                            message: "ended 3 times: ModuleNotFoundError: numpy"),
                    ])
            ]
        ]
        let (run, _) = try await run(["deploy", "churn:3"], script)
        #expect(run.failure?.code == .failed)
        #expect(run.failure?.message.hasPrefix("churn failed: ended 3 times: ModuleNotFoundError: numpy") == true)
    }

    @Test("a stream that breaks is taken up again")
    func broken() async throws {
        var script = fresh
        script.watches.insert([FakeDeployer.deployment(.deploying, ready: 0)], at: 0)
        let (run, _) = try await run(["deploy", "churn:3"], script)
        #expect(run.failure == nil, "\(run.failure?.message ?? "")")
    }

    @Test("without waiting it says how to wait; as JSON it is the deployment")
    func unwaited() async throws {
        let quick = try await run(["deploy", "churn:3", "--no-wait"], fresh).run
        #expect(quick.errors.contains("slipway deployment wait churn"))
        let document = try Document(parsing: try await run(["deploy", "churn:3", "--json"], fresh).run.output)
        #expect(document["name"]?.text == "churn" && document["status"]?["state"]?.text == "HEALTHY")
    }

    @Test(
        "what makes no sense is refused before anything is asked",
        arguments: [
            (["deploy"], "say what"),
            (["deploy", "churn:3", "--image", "a:1"], "one of them"),
            (["deploy", "./nowhere.onnx", "--name", "churn"], "no such file or folder"),
            (["deploy", "./nowhere/3"], "no such file or folder"),
            (["deploy", "/tmp"], "--name NAME"),
            (["deploy", "Churn_1:3"], "beginning with a letter; say --name"),
            (["deploy", "churn:3", "--canary", "10", "--blue-green"], "one of them"),
            (["deploy", "churn:3", "--bake", "5m"], "watch a step"),
            (["deploy", "churn:3", "--gate-requests", "5", "--canary", "5"], "goes with --gate"),
            (["deploy", "churn:3", "--replicas", "2", "--max", "3"], "leave them out"),
            (["deploy", "churn:3", "--min", "5", "--max", "3"], "at least 5 and at most 3"),
            (["deploy", "churn:3", "--goal", "4"], "a share of the slots"),
            (["deploy", "churn:3", "--certificate-key", "/dev/null"], "must be a PEM file"),
            (["deploy", "--image", "a:1", "--entry", "score.py"], "as it was built"),
        ])
    func refused(_ line: [String], _ reason: String) async throws {
        let (run, deployer) = try await run(line, fresh)
        #expect([.usage, .notFound].contains(run.failure?.code), "\(run.failure.map { "\($0)" } ?? "it went through")")
        #expect(run.failure?.message.contains(reason) == true, "\(run.failure?.message ?? "")")
        #expect(deployer.seen.withLock { $0.isEmpty })
    }

    @Test("another target than the one it runs on is refused")
    func otherTarget() async throws {
        let (run, deployer) = try await run(["deploy", "churn:3", "--target", "engine"], there)
        #expect(run.failure?.code == .conflict)
        #expect(run.failure?.message.contains("churn runs on local and stays there") == true)
        #expect(deployer.asked(V1.UpdateDeploymentRequest.self).isEmpty)
    }
}
