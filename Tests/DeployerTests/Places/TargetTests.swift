import Access
import Contracts
import DeployerTargets
import Protobuf
import RPC
import Testing

@testable import DeployerCore
@testable import Postgres

@Suite("targets", .timeLimit(.minutes(5))) struct TargetTests {
    private func docker(_ name: String = "engine", key: String = "") -> Slipway.Targets.V1.AttachTargetRequest {
        .init(name: name, place: .init(kind: .docker(.init(address: "unix:///var/run/docker.sock", keyPem: key))))
    }

    @Test("the machine's own is there for every workspace, offered once however often")
    func usual() async throws {
        try await withDesk { desk in
            try await desk.targets.offerUsual()
            let targets = try await desk.targetCalls.listTargets(.init()).targets
            #expect(targets.map(\.name) == ["local"])
            #expect(targets.first?.attachedBy == "services/deployer")
            let refusal = await failure { _ = try await desk.targetCalls.detachTarget(.init(name: "local")) }
            #expect(refusal?.code == .failedPrecondition)
        }
    }

    @Test("a place that answers is attached with what it has; what it was asked for twice is taken")
    func attach() async throws {
        try await withDesk { desk in
            let target = try await desk.targetCalls.attachTarget(docker())
            #expect(target.reachable)
            #expect(target.version == "fake 1")
            #expect(target.total?.cpuMillis == 4000)
            #expect(await failure { _ = try await desk.targetCalls.attachTarget(docker()) }?.code == .alreadyExists)
            #expect(try await desk.fixture.actions() == ["target.attached targets/engine"])
        }
    }

    @Test("a place that does not answer is not attached, and what is wrong with it is said")
    func unreachable() async throws {
        try await withDesk { desk in
            desk.place.state.withLock { $0.failure = TargetError(.unreachable, "connection refused") }
            let refusal = await failure { _ = try await desk.targetCalls.attachTarget(docker()) }
            #expect(refusal?.code == .failedPrecondition)
            #expect(refusal?.message == "the place can't be used: connection refused")
            #expect(try await desk.targetCalls.listTargets(.init()).targets.count == 1)
            let local = try await desk.targetCalls.checkTarget(.init(name: "local"))
            #expect(!local.reachable)
            #expect(local.message == "connection refused")
        }
    }

    @Test("an address that is none is refused with its field")
    func address() async throws {
        try await withDesk { desk in
            let request = Slipway.Targets.V1.AttachTargetRequest(
                name: "engine", place: .init(kind: .docker(.init(address: "http://somewhere", keyPem: "key"))))
            let refusal = await failure { _ = try await desk.targetCalls.attachTarget(request) }
            let fields = refusal?.details.compactMap { $0.decode(as: Google.Rpc.BadRequest.self) }.first?
                .fieldViolations.map(\.field)
            #expect(fields == ["place.docker.address", "place.docker.key_pem"])
        }
    }

    @Test("one that deployments run on is not detached, and they are named; afterwards its name is free")
    func detach() async throws {
        try await withDesk { desk in
            _ = try await desk.targetCalls.attachTarget(docker())
            _ = try await desk.deployments.createDeployment(
                .init(name: "churn", target: "engine", content: .init(kind: .image("churn:1"))))
            let refusal = await failure { _ = try await desk.targetCalls.detachTarget(.init(name: "engine")) }
            #expect(refusal?.code == .failedPrecondition)
            #expect(refusal?.message.contains("churn") == true)
            let number = try await desk.number()
            _ = try await desk.deployments.deleteDeployment(.init(name: "churn"))
            #expect(try await desk.pool.transaction { try await DeploymentEnd.finish(number, in: $0) })
            _ = try await desk.targetCalls.detachTarget(.init(name: "engine"))
            #expect(
                await failure { _ = try await desk.targetCalls.getTarget(.init(name: "engine")) }?.code == .notFound)
            _ = try await desk.targetCalls.attachTarget(docker())
        }
    }

    @Test("what replicas were promised is counted, whatever their state")
    func promised() async throws {
        try await withDesk { desk in
            try await desk.create()
            try await desk.replica()
            try await desk.replica(state: .pending)
            let target = try await desk.targetCalls.getTarget(.init(name: "local"))
            #expect(target.promised == .init(cpuMillis: 200, memoryBytes: 1 << 30, gpus: 0, replicas: 2))
        }
    }
}
