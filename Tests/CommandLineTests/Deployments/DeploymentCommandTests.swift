import CommandLineKit
import Contracts
import Testing

@testable import Slipway

@Suite("slipway deployment and target")
struct DeploymentCommandTests {
    typealias V1 = Slipway.Deployments.V1

    private func run(
        _ line: [String], _ script: FakeDeployer.Script
    ) async throws -> (run: CommandRun, deployer: FakeDeployer) {
        let deployer = try await FakeDeployer(script)
        let run = try await CommandRun(line, at: deployer.address)
        await deployer.stop()
        return (run, deployer)
    }

    private var script: FakeDeployer.Script {
        var script = FakeDeployer.Script(
            deployment: FakeDeployer.deployment(
                .degraded, revision: 2,
                rollout: .init(
                    from: 1, to: 2, plan: .init(strategy: .canary, bake: .init(seconds: 300)), state: .baking,
                    percent: 10),
                conditions: [
                    .init(type: "RevisionReady", holds: false, reason: "CrashLoop", message: "revision 2 ended 3 times")
                ]),
            revisions: [
                .init(
                    number: 2, image: "churn-svc:2", models: ["churn:2"], createdBy: "person:ada",
                    replicas: [
                        .init(
                            id: "0198-a", revision: 2, state: .failed,
                            message: "Traceback:\n  File x\nKeyError: 'a'", restarts: 3)
                    ]),
                .init(number: 1, image: "churn-svc:1", models: ["churn:1"]),
            ])
        script.watches = [[FakeDeployer.deployment(generation: 9, revision: 2)]]
        script.history.entries = [.init(action: "rollout.rolled-back", actor: "services/deployer", message: "12 %")]
        return script
    }

    @Test("show has state, revisions, replicas with their last words, rollout, conditions and events")
    func show() async throws {
        let text = try await run(["deployment", "show", "churn"], script).run.output
        for part in [
            "degraded, 1/1 replicas ready", "1 to 4 replicas, 70 % of the slots busy", "1 → 2", "baking",
            "canary 10 %, watched for 5m 0s", "churn-svc:2", "100 %", "0/1", "CrashLoop", "revision 2 ended 3 times",
            "rollout.rolled-back", "LAST WORDS OF 0198-a", "  KeyError: 'a'",
        ] {
            #expect(text.contains(part), "\(part) is missing in\n\(text)")
        }
    }

    @Test("list hands on what is searched for")
    func list() async throws {
        let (run, deployer) = try await run(
            ["deployment", "list", "--model", "churn", "--tag", "a=b", "--state", "degraded", "--target", "local"],
            script)
        #expect(run.output.contains("churn") && run.output.contains("degraded"))
        let request = try #require(deployer.asked(V1.SearchDeploymentsRequest.self).first)
        #expect(request.model == "churn" && request.tags == ["a=b"] && request.state == .degraded)
        #expect(request.target == "local" && request.pageSize == 100)
    }

    @Test("traffic is set where the shares are 100, and refused before it is sent where they are not")
    func traffic() async throws {
        let (good, deployer) = try await run(["deployment", "traffic", "churn", "1=90", "2=10%"], script)
        #expect(good.failure == nil, "\(good.failure?.message ?? "")")
        #expect(
            deployer.asked(V1.SetTrafficRequest.self).first?.traffic
                == [.init(revision: 1, percent: 90), .init(revision: 2, percent: 10)])
        let (bad, unasked) = try await run(["deployment", "traffic", "churn", "1=90", "2=20"], script)
        #expect(bad.failure?.message.contains("the shares are 110 together, and must be 100") == true)
        #expect(unasked.seen.withLock { $0.isEmpty })
        await #expect(throws: UsageError.self) { try await run(["deployment", "traffic", "churn", "1:90"], script) }
    }

    @Test("scale keeps what is not said")
    func scale() async throws {
        let (run, deployer) = try await run(
            [
                "deployment", "scale", "churn", "--min", "0", "--zero-after", "10m", "--scale-on", "rate", "--goal",
                "50",
            ],
            script)
        #expect(run.failure == nil, "\(run.failure?.message ?? "")")
        let request = try #require(deployer.asked(V1.SetScalingRequest.self).first)
        #expect(
            request.scaling
                == .init(minimum: 0, maximum: 4, measure: .rate, goal: 50, zeroAfter: .init(seconds: 600)))
        #expect(request.expectedGeneration == 1)
    }

    @Test("rollback, update, describe and delete say what they are told")
    func changes() async throws {
        let back = try await run(["deployment", "rollback", "churn", "--to", "1", "--reason", "worse"], script).deployer
        #expect(back.asked(V1.RollBackRequest.self) == [.init(name: "churn", revision: 1, reason: "worse")])
        let updated = try await run(["deployment", "update", "churn", "--unset", "A", "--no-wait"], script).deployer
        #expect(updated.asked(V1.UpdateDeploymentRequest.self).first?.settings == .init())
        let described = try await run(["deployment", "describe", "churn", "--tag", "a=b", "--untag", "c"], script)
        #expect(
            described.deployer.asked(V1.DescribeRequest.self)
                == [.init(name: "churn", setTags: ["a": "b"], removeTags: ["c"])])
        let unsure = try await run(["deployment", "delete", "churn"], script)
        #expect(unsure.run.failure?.code == .usage && unsure.deployer.seen.withLock { $0.isEmpty })
        let deleted = try await run(["deployment", "delete", "churn", "--yes"], script)
        #expect(deleted.deployer.asked(V1.DeleteDeploymentRequest.self).count == 1)
        for line in [["update", "churn"], ["describe", "churn"], ["scale", "churn"], ["secure", "churn"]] {
            #expect(try await run(["deployment"] + line, script).run.failure?.code == .usage, "\(line)")
        }
    }

    @Test("keys are written one alone for scripts, and made anew one at a time")
    func keys() async throws {
        #expect(try await run(["deployment", "keys", "churn", "--secondary"], script).run.output == "second-key\n")
        let (run, deployer) = try await run(["deployment", "keys", "churn", "--regenerate", "secondary"], script)
        #expect(run.output.contains("first-key") && run.output.contains("second-key"))
        #expect(deployer.asked(V1.RegenerateKeyRequest.self).first?.key == .secondary)
        #expect(try await self.run(["deployment", "token", "churn"], script).run.output == "a-token\n")
    }

    @Test("explain has the sentence and a row of numbers for each decision")
    func explain() async throws {
        var script = script
        script.explanation = .init(
            summary: "2 replicas, because 80 % of the slots were busy",
            decisions: [
                .init(
                    from: 1, to: 2, computed: 2, inFlight: 3.2, rate: 40.004, duration: 0.08, utilisation: 0.8,
                    waiting: 1,
                    goal: 0.7, reason: "3.2 busy of 4 slots is 80 %")
            ])
        let text = try await run(["deployment", "explain", "churn"], script).run.output
        #expect(text.hasSuffix("\n2 replicas, because 80 % of the slots were busy\n"))
        for part in ["3.2", "40/s", "80 ms", "80 %", "0.7", "3.2 busy of 4 slots is 80 %"] {
            #expect(text.contains(part), "\(part) is missing in\n\(text)")
        }
    }

    @Test("logs that are followed go on behind the last line of each replica where the stream breaks")
    func logs() async throws {
        func line(_ second: Int64, _ text: String, _ replica: String = "0198-a") -> V1.LogLine {
            .init(replica: replica, at: .init(seconds: second), text: text)
        }
        var script = script
        script.logs = [
            [line(1, "one"), line(2, "two"), line(1, "other", "0198-b")],
            [line(1, "one"), line(2, "two"), line(3, "three"), line(1, "other", "0198-b")],
        ]
        let (run, deployer) = try await run(["deployment", "logs", "churn", "-f", "--lines", "5"], script)
        #expect(run.output == "0198-a  one\n0198-a  two\n0198-b  other\n0198-a  three\n")
        #expect(run.failure?.code == .denied)
        let request = try #require(deployer.asked(V1.LogsRequest.self).first)
        #expect(request.follow && request.lines == 5)
    }

    @Test("a wait that the time ends says how it is")
    func late() async throws {
        var script = script
        script.watches = [[FakeDeployer.deployment(.deploying, ready: 0)], []]
        let run = try await run(["deployment", "wait", "churn", "--timeout", "1s"], script).run
        #expect(run.failure?.code == .unreachable)
        #expect(run.failure?.message.contains("0 of 1 replica ready") == true, "\(run.failure?.message ?? "")")
    }

    @Test("targets are attached with what they are, and one that does not answer has an exit code")
    func targets() async throws {
        let (run, deployer) = try await run(
            ["target", "attach", "engine", "--docker", "unix:///var/run/docker.sock", "--network", "apps"], script)
        #expect(run.failure == nil, "\(run.failure?.message ?? "")")
        #expect(
            deployer.asked(Slipway.Targets.V1.AttachTargetRequest.self).first?.place?.kind
                == .docker(.init(address: "unix:///var/run/docker.sock", network: "apps")))
        let small = try await self.run(
            ["target", "attach", "small", "--process", "--limit-cpu", "2", "--limit-memory", "4GB"], script)
        #expect(
            small.deployer.asked(Slipway.Targets.V1.AttachTargetRequest.self).first?.place?.kind
                == .process(.init(limit: .init(cpuMillis: 2000, memoryBytes: 4_000_000_000))))
        for words in [[], ["--process", "--docker", "unix:///s"], ["--docker", "/var/run/docker.sock"]] {
            #expect(try await self.run(["target", "attach", "x"] + words, script).run.failure?.code == .usage)
        }
        var away = script
        away.targets = [.init(name: "engine", message: "connection refused")]
        let checked = try await self.run(["target", "check", "engine"], away).run
        #expect(checked.failure?.code == .unreachable && checked.output.contains("answers   no"), "\(checked.output)")
    }
}
