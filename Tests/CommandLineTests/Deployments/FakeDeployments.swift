import Contracts
import Loop
import Protobuf
import RPC

/// What the fake deployer answers, with the registry's and the image builder's part in it.
final class FakeDeployments: RPCService {
    typealias V1 = Slipway.Deployments.V1
    typealias Methods = Slipway.Deployments.V1.Deployments.Methods

    let script: Lock<FakeDeployer.Script>
    let seen: Lock<[any Message & Sendable]>

    init(script: Lock<FakeDeployer.Script>, seen: Lock<[any Message & Sendable]>) {
        self.script = script
        self.seen = seen
    }

    private func note(_ request: some Message & Sendable) { seen.withLock { $0.append(request) } }

    private func deployment() throws -> V1.Deployment {
        guard let deployment = script.withLock({ $0.deployment }) else {
            throw RPCError(.notFound, "there is no deployment churn")
        }
        return deployment
    }

    /// A change: it is noted, and answered with what `change` makes of the deployment.
    private func change<Request: Message & Sendable>(
        _ method: MethodDescriptor<Request, V1.Deployment>,
        _ change: @escaping @Sendable (inout FakeDeployer.Script, Request) -> Void = { _, _ in }
    ) -> MethodHandler {
        .unary(method) { [self] request, _ in
            note(request.message)
            _ = try deployment()
            script.withLock { script in
                change(&script, request.message)
                script.deployment?.generation += 1
            }
            return ServerResponse(try deployment())
        }
    }

    private func answer<Request: Message & Sendable, Answer: Message>(
        _ method: MethodDescriptor<Request, Answer>, _ path: KeyPath<FakeDeployer.Script, Answer> & Sendable
    ) -> MethodHandler {
        .unary(method) { [self] request, _ in
            note(request.message)
            return ServerResponse(script.withLock { $0[keyPath: path] })
        }
    }

    func handlers() -> [MethodHandler] { changes + questions + streams + others }

    private var changes: [MethodHandler] {
        [
            .unary(Methods.createDeployment) { [self] request, _ in
                note(request.message)
                script.withLock { script in
                    script.deployment = script.watches.last?.last
                    script.deployment?.name = request.message.name
                    script.revisions = [.init(number: 1, image: "churn-svc:1", models: ["churn:1"])]
                }
                return ServerResponse(try deployment())
            },
            change(Methods.updateDeployment) { script, request in
                let number = (script.revisions.map(\.number).max() ?? 0) + 1
                var revision = V1.Revision(number: number, image: "churn-svc:\(number)", models: ["churn:\(number)"])
                revision.settings = request.settings
                script.revisions.insert(revision, at: 0)
            },
            change(Methods.rollBack), change(Methods.setTraffic), change(Methods.setScaling),
            change(Methods.setSecurity), change(Methods.describe), change(Methods.deleteDeployment),
        ]
    }

    private var questions: [MethodHandler] {
        [
            .unary(Methods.getDeployment) { [self] _, _ in ServerResponse(try deployment()) },
            .unary(Methods.searchDeployments) { [self] request, _ in
                note(request.message)
                return ServerResponse(.init(deployments: [try deployment()]))
            },
            .unary(Methods.listRevisions) { [self] _, _ in
                ServerResponse(.init(revisions: script.withLock { $0.revisions }))
            },
            answer(Methods.history, \.history), answer(Methods.explain, \.explanation),
            answer(Methods.readKeys, \.keys), answer(Methods.regenerateKey, \.keys),
            answer(Methods.issueEndpointToken, \.token),
        ]
    }

    private var streams: [MethodHandler] {
        [
            .streaming(Methods.watch) { [self] _, responses, _ in
                let (part, isLast) = script.withLock { script in
                    guard script.watches.count > 1 else { return (script.watches.first ?? [], true) }
                    return (script.watches.removeFirst(), false)
                }
                for deployment in part { try await responses.write(deployment) }
                if !isLast { throw RPCError(.unavailable, "broken, as asked") }
            },
            .streaming(Methods.logs) { [self] requests, responses, _ in
                note(try await requests.only())
                let (part, isLast) = script.withLock { script in
                    guard script.logs.count > 1 else { return (script.logs.first ?? [], true) }
                    return (script.logs.removeFirst(), false)
                }
                try await responses.write(.init(lines: part))
                throw RPCError(isLast ? .permissionDenied : .unavailable, "ended, as asked")
            },
        ]
    }

    private var others: [MethodHandler] {
        [
            .unary(Slipway.Models.V1.Models.Methods.getVersion) { [self] request, _ in
                var version = Slipway.Models.V1.ModelVersion()
                version.signature = script.withLock { $0.signature }
                return ServerResponse(version)
            },
            .unary(Slipway.Images.V1.Images.Methods.getImage) { _, _ in ServerResponse(.init(name: "churn-svc")) },
            .unary(Slipway.Targets.V1.Targets.Methods.attachTarget) { [self] request, _ in
                note(request.message)
                return ServerResponse(.init(name: request.message.name, place: request.message.place, reachable: true))
            },
            .unary(Slipway.Targets.V1.Targets.Methods.checkTarget) { [self] _, _ in
                ServerResponse(script.withLock { $0.targets.first ?? .init() })
            },
            .unary(Slipway.Targets.V1.Targets.Methods.listTargets) { [self] _, _ in
                ServerResponse(.init(targets: script.withLock { $0.targets }))
            },
            .unary(Slipway.Targets.V1.Targets.Methods.detachTarget) { [self] request, _ in
                note(request.message)
                return ServerResponse(.init())
            },
        ]
    }
}

extension FakeDeployer.Script {
    var keys: Slipway.Deployments.V1.EndpointKeys { .init(primary: "first-key", secondary: "second-key") }
    var token: Slipway.Deployments.V1.IssuedToken { .init(token: "a-token") }
}
