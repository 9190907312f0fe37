import CommandLineKit
import Contracts
import RPC

/// What an endpoint is to run, brought to where the deployer finds it: registered, and built where more than a model goes in.
struct DeploymentContent {
    let session: Session
    let connection: Connection
    /// The deployment's.
    let name: String

    /// - Throws: `UsageError`, `Failure`, `RPCError`.
    func make(_ source: DeploySource, _ values: Values) async throws -> Slipway.Deployments.V1.Content {
        let hasRecipe = Deploy.recipe.contains { values.has($0) }
        switch source {
        case .image(let image):
            guard !hasRecipe else {
                throw UsageError(
                    "an image is as it was built; --entry, --deps and what else goes in make another of a model",
                    path: Deploy.path)
            }
            return .init(kind: .image(image))
        case .model(let version):
            return hasRecipe ? try await build(version, values) : .init(kind: .model(version))
        case .path(let path):
            // Looked at before anything is sent.
            let recipe = hasRecipe ? try ImageRecipe(values) : nil
            let version = try await register(path, values)
            return recipe == nil ? .init(kind: .model(version)) : try await build(version, values)
        }
    }

    /// - Returns: the version: `churn:3`.
    private func register(_ path: String, _ values: Values) async throws -> String {
        let registration = Registration(session: session, connection: connection)
        let files = try await registration.hash(try LocalFiles.find(path, followsLinks: false))
        var request = Slipway.Models.V1.RegisterRequest()
        request.name = values[Deploy.model] ?? name
        request.files = files.map(\.file)
        request.reason = values[Shared.reason] ?? ""
        request.origin = GitFacts.of(path).map { git in
            var origin = Slipway.Models.V1.Origin()
            origin.git = git
            return origin
        }
        let outcome = try await registration.register(request, files)
        let version = "\(outcome.version.model):\(outcome.version.version)"
        session.note("\(version) is registered: \(outcome.summary)")
        for warning in outcome.version.warnings {
            session.note("warning: \(warning.path.isEmpty ? "" : "\(warning.path): ")\(warning.message)")
        }
        return version
    }

    private func build(_ version: String, _ values: Values) async throws -> Slipway.Deployments.V1.Content {
        var request = Slipway.Images.V1.BuildRequest()
        request.name = name
        var recipe = try await ImageRecipe(values).send(SourceUpload(session: session, connection: connection))
        recipe.models = [version]
        // What replicas are given is said to the deployer, and can change without a build.
        recipe.variables = [:]
        recipe.resources = nil
        request.recipe = recipe
        request.requestId = Shared.drawRequestID()
        request.reason = values[Shared.reason] ?? ""
        let activity = try await connection.images.build(
            request, options: CallOptions(retry: RetryPolicy(attemptsMax: 5)))
        let run = ImageActivity(session: session, connection: connection, isDetached: false)
        guard let outcome = try await run.follow(activity) else {
            throw Failure(.failed, "the build was left alone")
        }
        let image = try outcome.image()
        session.note("\(image) is built")
        return .init(kind: .image(image))
    }
}
