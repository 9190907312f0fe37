import Access
import Contracts
import Protobuf
import RPC
import Testing

@testable import DeployerCore
@testable import Postgres

@Suite("making deployments", .timeLimit(.minutes(5))) struct CreateTests {
    @Test("a new one has a revision, all traffic on it, every default, two keys, a route and a row of the journal")
    func whole() async throws {
        try await withDesk { desk in
            let made = try await desk.create()
            #expect(made.target == "local")
            #expect(made.generation == 1)
            #expect(made.status?.state == .deploying)
            #expect(made.traffic == [.init(revision: 1, percent: 100)])
            #expect(made.scaling?.minimum == 1)
            #expect(made.scaling?.maximum == 10)
            #expect(made.scaling?.goal == 0.7)
            #expect(made.security?.authentication == .keys)
            #expect(made.status?.addresses.first == "http://127.0.0.1:7080/endpoints/lab/churn")

            let revisions = try await desk.deployments.listRevisions(.init(name: "churn")).revisions
            #expect(revisions.map(\.image) == ["churn:1"])
            #expect(revisions.first?.models == ["churn:3"])
            #expect(revisions.first?.settings?.memoryBytes == 512 << 20)
            #expect(revisions.first?.settings?.timeout?.seconds == 60)

            let route = try await desk.route()
            #expect(route?.access?.keys.map(\.name) == ["primary", "secondary"])
            #expect(route?.shares == [.init(revision: 1, percent: 100)])
            #expect(route?.holding?.hold == true)
            #expect(try await desk.fixture.actions() == ["deployment.created deployments/churn"])
        }
    }

    @Test("the same request again makes no other one, and another deployment's request is refused")
    func again() async throws {
        try await withDesk { desk in
            var request = V1.CreateDeploymentRequest()
            request.name = "churn"
            request.content = .init(kind: .image("churn:1"))
            request.requestId = "r-1"
            let first = try await desk.deployments.createDeployment(request)
            let second = try await desk.deployments.createDeployment(request)
            #expect(first.createdAt == second.createdAt)
            request.name = "other"
            let refusal = await failure { _ = try await desk.deployments.createDeployment(request) }
            #expect(refusal?.code == .alreadyExists)
            #expect(try await desk.fixture.actions().count == 1)
        }
    }

    @Test("many that want one name at once: one has it, the others hear that it is taken")
    func crowd() async throws {
        try await withDesk { desk in
            let codes = await withTaskGroup(of: RPCCode?.self) { group in
                for _ in 0..<8 { group.addTask { await failure { try await desk.create() }?.code } }
                return await group.reduce(into: [RPCCode?]()) { $0.append($1) }
            }
            #expect(codes.filter { $0 == nil }.count == 1)
            #expect(codes.filter { $0 == .alreadyExists }.count == 7)
        }
    }

    @Test("everything that is wrong is named at once, each with its field")
    func wrong() async throws {
        try await withDesk { desk in
            var request = V1.CreateDeploymentRequest()
            request.name = "Churn!"
            request.content = .init(kind: .image("churn:1"))
            request.settings = .init(variables: ["1A": "x"], memoryBytes: 1, timeout: .init(seconds: -1))
            request.scaling = .init(minimum: 5, maximum: 2)
            request.security = .init(authentication: .none, host: "no host")
            let refusal = await failure { _ = try await desk.deployments.createDeployment(request) }
            let fields = refusal?.details.compactMap { $0.decode(as: Google.Rpc.BadRequest.self) }.first?
                .fieldViolations.map(\.field)
            #expect(refusal?.code == .invalidArgument)
            #expect(
                Set(fields ?? []) == [
                    "name", "settings.variables[\"1A\"]", "settings.memory_bytes", "settings.timeout",
                    "scaling.minimum", "security.authentication", "security.host",
                ])
        }
    }

    @Test("an image, a model or a target that there is not is said, with what is near")
    func missing() async throws {
        try await withDesk { desk in
            let image = await failure { try await desk.create(image: "chrn:1") }
            #expect(image?.code == .notFound)
            let model = await failure {
                _ = try await desk.deployments.createDeployment(
                    .init(name: "a", content: .init(kind: .model("chrun:3"))))
            }
            #expect(model?.code == .notFound)
            #expect(model?.message.contains("did you mean") == true)
            let target = await failure {
                _ = try await desk.deployments.createDeployment(
                    .init(name: "a", target: "locl", content: .init(kind: .image("churn:1"))))
            }
            #expect(target?.code == .notFound)
            #expect(target?.message.contains("did you mean \"local\"?") == true)
        }
    }

    @Test("what an image needs is given where nothing was said, and less than it is refused")
    func needs() async throws {
        try await withDesk { desk in
            try desk.images.add("big", 1, needs: .init(cpuMillis: 500, memoryBytes: 2 << 30))
            try await desk.create("big", image: "big:1")
            let settings = try await desk.deployments.listRevisions(.init(name: "big")).revisions.first?.settings
            #expect(settings?.memoryBytes == 2 << 30)
            #expect(settings?.cpuMillis == 500)
            let refusal = await failure {
                _ = try await desk.deployments.createDeployment(
                    .init(
                        name: "small", content: .init(kind: .image("big:1")),
                        settings: .init(memoryBytes: 1 << 30)))
            }
            #expect(refusal?.code == .invalidArgument)
            #expect(refusal?.message.contains("settings.memory_bytes") == true)
        }
    }

    @Test("a target that was looked at and can't hold one replica is refused")
    func room() async throws {
        try await withDesk { desk in
            _ = try await desk.targetCalls.checkTarget(.init(name: "local"))
            let refusal = await failure {
                _ = try await desk.deployments.createDeployment(
                    .init(
                        name: "churn", content: .init(kind: .image("churn:1")), settings: .init(gpus: 1)))
            }
            #expect(refusal?.code == .failedPrecondition)
            #expect(refusal?.message.contains("GPUs") == true)
        }
    }

    @Test("a workspace sees its own deployments alone, and two may have one of the same name")
    func apart() async throws {
        try await withDesk { desk in
            try await desk.create()
            let other = await failure { _ = try await desk.elsewhere.getDeployment(.init(name: "churn")) }
            #expect(other?.code == .notFound)
            _ = try await desk.elsewhere.createDeployment(
                .init(name: "churn", content: .init(kind: .image("churn:1"))))
            #expect(try await desk.elsewhere.searchDeployments(.init()).deployments.count == 1)
        }
    }
}
