import Contracts
import Testing

@testable import Slipway

@Suite("When a deployment is as it was asked for")
struct ReadinessTests {
    typealias V1 = Slipway.Deployments.V1

    private func rollout(_ state: V1.Rollout.State, to revision: Int32 = 2) -> V1.Rollout {
        .init(from: 1, to: revision, state: state, percent: 10, message: "why")
    }

    @Test("a status of before the change says nothing")
    func old() {
        let readiness = Readiness(generation: 2, revision: 0)
        #expect(readiness.standing(of: FakeDeployer.deployment(.healthy, generation: 1)) == .waiting)
        #expect(readiness.standing(of: FakeDeployer.deployment(.failed, generation: 1)) == .waiting)
        #expect(readiness.standing(of: .init()) == .waiting)
    }

    @Test(
        "without a rollout its state decides",
        arguments: [
            (.healthy, .ready), (.asleep, .ready), (.deploying, .waiting), (.degraded, .waiting),
        ] as [(V1.DeploymentStatus.State, Readiness.Standing)])
    func states(_ state: V1.DeploymentStatus.State, _ standing: Readiness.Standing) {
        #expect(Readiness(generation: 1).standing(of: FakeDeployer.deployment(state)) == standing)
    }

    @Test("a rollout under way is waited for, however healthy the old revision is")
    func underWay() {
        for state in [V1.Rollout.State.preparing, .baking] {
            let deployment = FakeDeployer.deployment(.healthy, rollout: rollout(state))
            #expect(Readiness(generation: 1, revision: 2).standing(of: deployment) == .waiting)
        }
    }

    @Test("a rollout that went back or was replaced fails; one that is done is ready")
    func ended() {
        let readiness = Readiness(generation: 1, revision: 2)
        let back = readiness.standing(of: FakeDeployer.deployment(rollout: rollout(.rolledBack)))
        #expect(back == .failed("revision 2 was rolled back: why\nrevision 1 serves as before"))
        let replaced = readiness.standing(of: FakeDeployer.deployment(rollout: rollout(.replaced)))
        #expect(replaced == .failed("another change took its place"))
        let done = FakeDeployer.deployment(revision: 2, rollout: rollout(.done))
        #expect(readiness.standing(of: done) == .ready)
    }

    @Test("a revision without requests is no success")
    func withoutTraffic() {
        let readiness = Readiness(generation: 1, revision: 2)
        #expect(readiness.standing(of: FakeDeployer.deployment(revision: 1)) == .waiting)
        #expect(readiness.standing(of: FakeDeployer.deployment(revision: 3)) == .failed("revision 3 took its place"))
        let told = FakeDeployer.deployment(
            revision: 1, conditions: [.init(type: "RolloutHealthy", holds: false, message: "it went back")])
        #expect(
            readiness.standing(of: told)
                == .failed("revision 2 was rolled back: it went back\nrevision 1 serves as before"))
    }

    @Test("one that is being deleted is never ready")
    func deleted() {
        #expect(Readiness().standing(of: FakeDeployer.deployment(.deleting)) == .failed("it is being deleted"))
    }
}
