import CommandLineKit
import Contracts
import Loop
import RPC

/// Waits until a deployment is as it was asked for, through connections that break, and shows how far it is.
struct DeploymentFollower: Sendable {
    typealias Deployment = Slipway.Deployments.V1.Deployment

    let session: Session
    let connection: Connection
    let name: String
    /// Gives up then.
    let timeout: Duration

    /// - Returns: the deployment as it is then.
    /// - Throws: `Failure` where it will not be, where the time is over, and that says how to go on where it is interrupted;
    ///   `RPCError`.
    func wait(until readiness: Readiness, from first: Deployment) async throws -> Deployment {
        let line = StatusLine(on: session.terminal, isQuiet: session.isQuiet)
        defer { line.end() }
        let start = session.now
        let latest = Lock(first)
        @Sendable func show() {
            line.show(Readiness.line(latest.withLock { $0 }, seconds: Int(session.now - start)))
        }
        do {
            let end = try await withThrowingTaskGroup(of: Deployment?.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    try await changes(until: readiness, line) { deployment in
                        latest.withLock { $0 = deployment }
                        show()
                    }
                }
                group.addTask {
                    try await connection.loop.sleep(for: timeout)
                    return nil
                }
                if session.terminal.errorIsTerminal {
                    group.addTask {
                        // So that somebody sees that it is alive.
                        while true {
                            try await connection.loop.sleep(for: .seconds(1))
                            show()
                        }
                    }
                }
                return try await group.next() ?? nil
            }
            guard let end else { throw late(latest.withLock { $0 }) }
            return end
        } catch  where Interruption.isRequested || error is CancellationError {
            throw Failure(
                .interrupted,
                "interrupted; \(name) goes on\n`slipway deployment wait \(name)` waits for it")
        }
    }

    private func late(_ deployment: Deployment) -> Failure {
        let status = deployment.status ?? .init()
        let reason = Readiness.unmet(status).map { "  \(DisplayText.harmless($0))" }
        return Failure(
            .unreachable,
            ([
                "\(name) is not as asked for after \(Amounts.span(Int(timeout.components.seconds))): "
                    + Readiness.line(deployment, seconds: 0).words
            ] + reason).joined(separator: "\n"))
    }

    private func changes(
        until readiness: Readiness, _ line: StatusLine, _ changed: @Sendable (Deployment) -> Void
    ) async throws -> Deployment {
        var persistence = Persistence(on: connection.loop, failuresMax: EventTail.failuresMax) { line.add($0) }
        var seen: Int64 = 0
        var told: Set<String> = []
        while true {
            do {
                let end: Deployment? = try await connection.deployments.watch(.init(name: name)) { responses in
                    for try await deployment in responses {
                        seen += 1
                        persistence.reached(seen)
                        for text in DeploymentFollower.news(deployment, readiness) where told.insert(text).inserted {
                            line.add(DisplayText.harmless(text))
                        }
                        changed(deployment)
                        switch readiness.standing(of: deployment) {
                        case .waiting: break
                        case .ready: return deployment
                        case .failed(let reason): throw failure(reason)
                        }
                    }
                    return nil
                }
                if let end { return end }
                throw RPCError(.unavailable, "the deployer stopped telling how it goes")
            } catch let error as RPCError { try await persistence.pause(after: error) }
        }
    }

    private func failure(_ reason: String) -> Failure {
        let lines = reason.split(separator: "\n").map { DisplayText.harmless(String($0)) }
        return Failure(
            .failed,
            "\(name) failed: \(lines.joined(separator: "\n  "))\n"
                + "`slipway deployment show \(name)` tells more, `slipway deployment logs \(name)` has its replicas' logs"
        )
    }

    /// What is worth a line that stays: conditions that do not hold, and each step of the rollout.
    private static func news(_ deployment: Deployment, _ readiness: Readiness) -> [String] {
        guard let status = deployment.status, status.generation >= readiness.generation else { return [] }
        var lines = status.conditions.filter { $0.holds == false && !$0.message.isEmpty && $0.type != "Ready" }
            .map { "\($0.reason.isEmpty ? $0.type : $0.reason): \($0.message)" }
        if let rollout = status.rollout, rollout.state == .baking {
            lines.append("revision \(rollout.to) has \(rollout.percent) % of the requests")
        }
        return lines
    }
}
