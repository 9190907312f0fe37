import CommandLineKit
import Contracts
import RPC

enum Deploy {
    static let source = Argument(
        "SOURCE", "a file or a folder, or a version of a model: churn:3, churn@champion", isRequired: false,
        completion: .files)
    static let name = Flag.text("name", "NAME", "the deployment's name (the model's or the image's)")
    static let image = Flag.text("image", "IMAGE", "an image in place of SOURCE: churn-svc:2, churn-svc@production")
    static let model = Flag.text("model", "NAME", "the name to register a file or folder under (the deployment's)")
    static let target = Flag.text("target", "NAME", "where it runs (local); stays where it is, once it is there")
    static let description = Flag.text("description", "TEXT", "what it is for")
    static let tags = Flag.pairs("tag", "a label that can change")
    static let path = "slipway deploy"
    /// What goes into an image: an image is built here where any of it is said.
    static let recipe = [
        ImageBuild.entry.specification, ImageBuild.dependencies.specification, ImageBuild.source.specification,
        ImageBuild.assets.specification, ImageBuild.base.specification, ImageBuild.steps.specification,
        ImageBuild.adapters.specification,
    ]

    static let command = Command<Session>(
        "deploy", "Makes an endpoint of a model, or gives one that is there something new to run.",
        details: """
            A file or a folder is registered as the next version of the model first. An image is built where there is \
            none yet: of the version alone, or with an entry script and its dependencies. The endpoint's address is \
            written to the standard output, and nothing else; a request to try it with is said beside.
            Where the deployment is there already it gets a new revision, which takes over as --canary, --linear or \
            --blue-green say, and else at once when it is ready; the one before serves until then. Exit codes: 0 it \
            serves, 1 it does not get ready or was rolled back, 6 it was not there in time.
            """,
        arguments: [source],
        flags: [
            name.specification, image.specification, model.specification, target.specification,
            description.specification, tags.specification,
        ] + recipe + ReplicaFlags.all + ScalingFlags.all + RolloutFlags.all + SecurityFlags.all + [
            DeploymentGroup.noWait.specification, DeploymentGroup.timeout.specification, Shared.reason.specification,
        ],
        examples: [
            .init("slipway deploy ./model.onnx --name churn", "from a file to an endpoint"),
            .init("slipway deploy churn:3 --entry score.py --deps requirements.txt", "a version, with code around it"),
            .init(
                "slipway deploy churn:4 --canary 10 --bake 5m --gate error-rate=0.01 --gate p99=200ms",
                "the next version for a tenth of the requests; back by itself if it is worse"),
            .init("slipway deploy --image churn-svc:2 --min 0 --max 8 --concurrency 4", "an image that is there"),
            .init("address=$(slipway deploy ./model.onnx --name churn -q)", "in a script"),
        ]
    ) { values, session in
        let what = try DeploySource(values[source], image: values[image])
        guard let name = values[Deploy.name] ?? what.name else {
            throw UsageError("say what to call the endpoint: --name NAME", path: path)
        }
        guard DeploymentName.isName(name) else {
            let hint = values[Deploy.name] == nil ? "; say --name" : ""
            throw UsageError("--name \"\(name)\": must be \(DeploymentName.wanted)\(hint)", path: path)
        }
        let wish = try DeploymentWish(values, name: name, session)
        let connection = try session.connect()
        let content = try await DeploymentContent(session: session, connection: connection, name: name)
            .make(what, values)
        let made = try await wish.apply(content, connection)
        var deployment = made.deployment
        if !values[DeploymentGroup.noWait] {
            let follower = DeploymentFollower(
                session: session, connection: connection, name: name,
                timeout: values[DeploymentGroup.timeout] ?? .seconds(900))
            deployment = try await follower.wait(
                until: Readiness(generation: deployment.generation, revision: made.revision), from: deployment)
        }
        try await show(deployment, made.revision, values, session, connection)
    }

    private static func show(
        _ deployment: Slipway.Deployments.V1.Deployment, _ revision: Int32, _ values: Values, _ session: Session,
        _ connection: Connection
    ) async throws {
        let address = deployment.status?.addresses.first ?? ""
        try session.show(deployment) { address.isEmpty ? "" : address + "\n" }
        guard session.form == .table else { return }
        if values[DeploymentGroup.noWait] {
            session.note(
                "revision \(revision) is on its way; `slipway deployment wait \(deployment.name)` waits for it")
        } else {
            session.note(
                "\(deployment.name) is \(DeploymentText.state(deployment)), revision \(revision), "
                    + "\(DeploymentText.ready(deployment.status)) replicas ready")
        }
        guard !session.isQuiet, !address.isEmpty,
            let newest = try? await DeploymentGroup.newest(deployment.name, connection),
            let sample = await SampleRequest.of(newest, connection)
        else { return }
        let isOpen = deployment.security?.authentication == Slipway.Deployments.V1.Security.Authentication.none
        let line = sample.line(
            address: address.hasSuffix("/") ? String(address.dropLast()) : address,
            keyCommand: isOpen
                ? nil : "slipway deployment keys \(deployment.name) --primary\(session.flagsForNext)",
            authorities: address.hasPrefix("https:") ? values[SecurityFlags.certificate] : nil)
        session.note("try it:")
        session.note("  \(line)")
    }
}
