import CommandLineKit
import Contracts

extension Score {
    /// Whom to ask, with what, and where: by the flags, and else by what the deployer says.
    /// - Throws: `UsageError`, `Failure`, `RPCError`.
    static func call(
        _ values: Values, _ data: ScoreData, _ session: Session
    ) async throws -> (call: EndpointCall, path: String) {
        let name = values[DeploymentGroup.name]
        let variable = session.environment["SLIPWAY_ENDPOINT_KEY"].flatMap { $0.isEmpty ? nil : $0 }
        var key = values[Score.key] ?? variable
        var address = values[Score.address]
        let needsModel = values[path] == nil && values[model] == nil && data.isInference
        var model = values[model]
        if address == nil || key == nil || needsModel {
            let deployments = try session.connect().deployments
            let deployment = try await deployments.getDeployment(.init(name: name))
            if address == nil {
                guard let first = deployment.status?.addresses.first else {
                    throw Failure(
                        .unreachable, "\(name) has no address yet; `slipway deployment show \(name)` tells how it is")
                }
                address = first
            }
            let isOpen = deployment.security?.authentication == Slipway.Deployments.V1.Security.Authentication.none
            if key == nil, !isOpen { key = try await deployments.readKeys(.init(name: name)).primary }
            if needsModel { model = try await Score.model(of: deployment, values, deployments) }
        }
        guard let place = EndpointAddress(address ?? "") else {
            throw UsageError(
                "the endpoint's address \"\(address ?? "")\": must be \(EndpointAddress.wanted)", path: "slipway score")
        }
        let call = EndpointCall(
            address: place, key: key, authorities: values[authorities], certificate: values[certificate],
            certificateKey: values[certificateKey], timeout: values[timeout] ?? .seconds(120))
        return (call, try path(values, model))
    }

    private static func path(_ values: Values, _ model: String?) throws -> String {
        if let path = values[path] {
            let isClean = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard path.hasPrefix("/"), isClean else {
                throw UsageError("--path \"\(path)\": must be a path such as /score", path: "slipway score")
            }
            return path
        }
        return model.map { "/v2/models/\($0)/infer" } ?? "/score"
    }

    /// The model in the revision that is asked; its name is the same in most.
    private static func model(
        of deployment: Slipway.Deployments.V1.Deployment, _ values: Values,
        _ deployments: Slipway.Deployments.V1.Deployments.Client
    ) async throws -> String {
        let all = try await deployments.listRevisions(.init(name: deployment.name)).revisions
        let asked = values[revision].map { Int32($0) } ?? deployment.traffic.max { $0.percent < $1.percent }?.revision
        let chosen = all.first { $0.number == asked } ?? all.first
        guard let version = chosen?.models.first else {
            throw Failure(.notFound, "\(deployment.name) does not say which models it has; say --model or --path")
        }
        let names = Set(chosen?.models.map { String($0.prefix { $0 != ":" }) } ?? [])
        guard names.count == 1 else {
            throw UsageError(
                "\(deployment.name) has several models: say --model \(names.sorted().joined(separator: " or --model "))",
                path: "slipway score")
        }
        return String(version.prefix { $0 != ":" })
    }
}
