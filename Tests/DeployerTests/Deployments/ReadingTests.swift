import Access
import Contracts
import DeployerTargets
import Loop
import Protobuf
import RPC
import Testing

@testable import DeployerCore
@testable import Postgres

@Suite("reading deployments", .timeLimit(.minutes(5))) struct ReadingTests {
    @Test("a search finds by model, image, digest, tag, target and state, in the newest and in serving revisions")
    func search() async throws {
        try await withDesk { desk in
            try await desk.create("alpha", image: "churn:1")
            try await desk.create("beta", image: "churn:2")
            _ = try await desk.deployments.describe(
                .init(name: "beta", setTags: ["team": "growth", "tier": "1"]))
            // It serves churn:1, and is to serve churn:2.
            _ = try await desk.deployments.updateDeployment(
                .init(name: "alpha", content: .init(kind: .image("churn:2"))))
            func found(_ request: V1.SearchDeploymentsRequest) async throws -> [String] {
                try await desk.deployments.searchDeployments(request).deployments.map(\.name)
            }
            #expect(try await found(.init()) == ["alpha", "beta"])
            #expect(try await found(.init(model: "churn:3")) == ["alpha"])
            #expect(try await found(.init(model: "churn")) == ["alpha", "beta"])
            #expect(try await found(.init(model: "churn:4")) == ["alpha", "beta"])
            #expect(try await found(.init(image: "churn:1")) == ["alpha"])
            #expect(try await found(.init(image: "churn")) == ["alpha", "beta"])
            let digest = try await desk.images.image("churn:1", for: desk.change.acting).digest
            #expect(try await found(.init(image: "\(digest)")) == ["alpha"])
            #expect(try await found(.init(tags: ["team"])) == ["beta"])
            #expect(try await found(.init(tags: ["team=growth", "tier"])) == ["beta"])
            #expect(try await found(.init(tags: ["team=other"])) == [])
            #expect(try await found(.init(target: "local")) == ["alpha", "beta"])
            #expect(try await found(.init(target: "elsewhere")) == [])
            #expect(try await found(.init(state: .deploying)) == ["alpha", "beta"])
            #expect(try await found(.init(state: .healthy)) == [])
            #expect(await failure { _ = try await found(.init(model: "no model!")) }?.code == .invalidArgument)
        }
    }

    @Test("pages follow each other, and a token of another query is refused")
    func pages() async throws {
        try await withDesk { desk in
            for name in ["a", "b", "c"] { try await desk.create(name) }
            var names: [String] = []
            var request = V1.SearchDeploymentsRequest(pageSize: 2)
            repeat {
                let page = try await desk.deployments.searchDeployments(request)
                names += page.deployments.map(\.name)
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            #expect(names == ["a", "b", "c"])
            let first = try await desk.deployments.searchDeployments(.init(pageSize: 2))
            let refusal = await failure {
                _ = try await desk.deployments.searchDeployments(
                    .init(target: "local", pageToken: first.nextPageToken))
            }
            #expect(refusal?.code == .invalidArgument)
        }
    }

    @Test("the history says who did what and why, the newest first, also of one that is gone")
    func history() async throws {
        try await withDesk { desk in
            try await desk.create()
            _ = try await desk.deployments.setScaling(
                .init(name: "churn", scaling: .init(minimum: 2), reason: "the campaign"))
            let entries = try await desk.deployments.history(.init(name: "churn")).entries
            #expect(entries.map(\.action) == ["deployment.scaling-set", "deployment.created"])
            #expect(entries.first?.actor == "person:ada")
            #expect(entries.first?.reason == "the campaign")
            #expect(entries.first?.message == "2 to 10 replicas, 70 % of their slots busy")
            let number = try await desk.number()
            _ = try await desk.deployments.deleteDeployment(.init(name: "churn"))
            #expect(try await desk.pool.transaction { try await DeploymentEnd.finish(number, in: $0) })
            let later = try await desk.deployments.history(.init(name: "churn", pageSize: 1))
            #expect(later.entries.map(\.actor) == ["services/deployer"])
            let next = try await desk.deployments.history(
                .init(name: "churn", pageSize: 1, pageToken: later.nextPageToken))
            #expect(next.entries.map(\.action) == ["deployment.deleted"])
            #expect(await failure { _ = try await desk.deployments.history(.init(name: "other")) }?.code == .notFound)
        }
    }

    @Test("decisions are explained, the newest first")
    func explain() async throws {
        try await withDesk { desk in
            try await desk.create()
            let number = try await desk.number()
            for to in Int32(1)...3 {
                let decision = V1.ScalingDecision(from: to - 1, to: to, reason: "more of it")
                try await desk.pool.execute(
                    """
                    INSERT INTO deployments.decisions (deployment, decision, changes)
                    VALUES (\(number), \(decision.serialized()), true)
                    """)
            }
            let answer = try await desk.deployments.explain(.init(name: "churn", decisions: 2))
            #expect(answer.decisions.map(\.to) == [3, 2])
            #expect(answer.decisions.first?.at != nil)
            #expect(answer.summary.hasSuffix("more of it"))
        }
    }

    @Test("who watches hears of a change when it is made, and the stream ends with the deployment")
    func watch() async throws {
        try await withDesk { desk in
            try await desk.create()
            let number = try await desk.number()
            let listening = Task { try? await desk.signals.run() }
            defer { listening.cancel() }
            let seen = Lock<[V1.Deployment]>([])
            let watching = Task {
                try await desk.deployments.watch(.init(name: "churn")) { stream in
                    for try await deployment in stream { seen.withLock { $0.append(deployment) } }
                }
            }
            func wait(_ condition: @escaping @Sendable ([V1.Deployment]) -> Bool) async throws {
                for _ in 0..<3000 where !seen.withLock({ condition($0) }) {
                    try await desk.fixture.loops.loops[0].sleep(for: .milliseconds(10))
                }
                #expect(seen.withLock { condition($0) })
            }
            try await wait { $0.count == 1 }
            _ = try await desk.deployments.describe(.init(name: "churn", description: "new"))
            try await wait { $0.last?.description == "new" }
            try await desk.replica()
            try await wait { $0.last?.status?.ready == 1 }
            try await desk.pool.execute("DELETE FROM deployments.replicas")
            _ = try await desk.deployments.deleteDeployment(.init(name: "churn"))
            #expect(try await desk.pool.transaction { try await DeploymentEnd.finish(number, in: $0) })
            try await watching.value
            #expect(seen.withLock { $0.last?.status?.state } == .deleting)
        }
    }

    @Test("logs of all replicas come in the order of time, of one alone where it is named")
    func logs() async throws {
        try await withDesk { desk in
            try await desk.create()
            let (first, second) = (try await desk.replica(), try await desk.replica())
            desk.place.state.withLock { state in
                state.logs[first] = [1, 3, 5].map { .init(at: $0 * 1_000_000_000, text: "line \($0)") }
                state.logs[second] = [2, 4].map { .init(at: $0 * 1_000_000_000, text: "line \($0)") }
            }
            func lines(_ request: V1.LogsRequest) async throws -> [String] {
                try await desk.deployments.logs(request) { stream in
                    var lines: [String] = []
                    for try await part in stream { lines += part.lines.map(\.text) }
                    return lines
                }
            }
            #expect(try await lines(.init(name: "churn")) == (1...5).map { "line \($0)" })
            #expect(try await lines(.init(name: "churn", replica: second)) == ["line 2", "line 4"])
            #expect(try await lines(.init(name: "churn", lines: 1)) == ["line 4", "line 5"])
            let stranger = "\(PostgresUUID.random())"
            let refusal = await failure { _ = try await lines(.init(name: "churn", replica: stranger)) }
            #expect(refusal?.code == .notFound)
            desk.place.state.withLock { $0.failure = TargetError(.unreachable, "nobody answers") }
            #expect(try await lines(.init(name: "churn", replica: first)) == ["the log can't be had: nobody answers"])
        }
    }
}
