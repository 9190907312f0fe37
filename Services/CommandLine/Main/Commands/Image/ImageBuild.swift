import CommandLineKit
import Contracts
import RPC

enum ImageBuild {
    static let models = Argument("MODEL", "versions of models: churn:3, churn@champion", repeats: true)
    static let name = Flag.text("name", "NAME", "the image's name (the first model's)")
    static let entry = Flag.text(
        "entry", "FILE", "the Python file with `run`; none serves the models as they are", completion: .files)
    static let dependencies = Flag.text(
        "deps", "FILE", "the packages: a conda environment (.yml) or requirements (.txt)", completion: .files)
    static let source = Flag.text(
        "source", "FOLDER", "the folder that goes along (that of the entry script)", completion: .folders)
    static let assets = Flag.list("asset", "FOLDER:PATH", "a folder, and where it is laid in the image")
    static let variables = Flag.pairs("env", "a variable of the process")
    static let base = Flag.text("base", "REFERENCE", "what it stands on, as `docker pull` takes it (nothing)")
    static let steps = Flag.list("step", "STEP", "a change at the end, as in a Dockerfile: 'ENV A=b'")
    static let gpu = Flag.switch("gpu", "takes packages and libraries that compute on a GPU")
    static let tags = Flag.pairs("tag", "a label that can change")
    static let aliases = Flag.list("alias", "ALIAS", "an alias that is to point to it")
    static let description = Flag.text("description", "TEXT", "what it is for, or what is new in it")
    static let cpu = Flag.cores("cpu", "what a replica should be given: 0.5")
    static let memory = Flag.size("memory", "what a replica should be given: 1GB")
    static let adapters = Flag.pairs("adapter", "loads a model with another adapter than its format's: churn=python")
    static let requestID = Flag.text("request-id", "ID", "a request that is repeated with it builds once")

    static let command = Command<Session>(
        "build", "Builds an image of models, and of what they need besides.",
        details: """
            The folder goes along without what .slipwayignore leaves out (else .amlignore, .dockerignore, .gitignore), and \
            always without .git and __pycache__. The image's name is written to the standard output, and nothing else. \
            Ctrl-C leaves the build alone, and says how to follow and how to cancel it. Exit codes: 0 built, 1 failed, \
            7 cancelled.
            """,
        arguments: [models],
        flags: [
            name.specification, entry.specification, dependencies.specification, source.specification,
            assets.specification, variables.specification, base.specification, steps.specification, gpu.specification,
            tags.specification, aliases.specification, description.specification, cpu.specification,
            memory.specification, adapters.specification, ImageGroup.detach.specification, requestID.specification,
            Shared.reason.specification,
        ],
        examples: [
            .init("slipway image build churn:3 --name churn-svc --alias production", "a model as it is"),
            .init(
                "slipway image build churn:3 --entry score.py --deps environment.yml --name churn-svc",
                "with code around it"),
            .init(
                "slipway image build churn:3 prices:7 --source ./service --entry score.py --deps requirements.txt "
                    + "--asset ./lookup:/srv/lookup --env MODE=fast --step 'USER 1000:1000'", "with all that there is"),
            .init("id=$(slipway image build churn:3 --detach -q) && slipway activity wait $id", "in a script"),
        ]
    ) { values, session in
        let recipe = try ImageRecipe(values)
        let connection = try session.connect()
        var request = Slipway.Images.V1.BuildRequest()
        request.name = values[name] ?? ""
        request.recipe = try await recipe.send(SourceUpload(session: session, connection: connection))
        request.description = values[description] ?? ""
        request.tags = values[tags]
        request.aliases = values[aliases]
        request.requestId = values[requestID] ?? Shared.drawRequestID()
        request.reason = values[Shared.reason] ?? ""
        let activity = try await connection.images.build(
            request, options: CallOptions(retry: RetryPolicy(attemptsMax: 5)))
        let run = ImageActivity(session: session, connection: connection, isDetached: values[ImageGroup.detach])
        guard let outcome = try await run.follow(activity) else { return }
        let image = try await connection.images.getImage(.init(image: try outcome.image()))
        try session.show(image) { "\(image.name):\(image.version)\n" }
        session.note(summary(image, outcome.activity, session))
    }

    private static func summary(
        _ image: Slipway.Images.V1.Image, _ activity: Slipway.Activities.V1.Activity, _ session: Session
    ) -> String {
        let reused = image.layers.count(where: \.reused)
        let layers = "\(Amounts.count(image.layers.count, "layer")), \(reused) of them reused"
        return "\(Amounts.bytes(image.sizeBytes)) in \(layers), built in "
            + "\(ActivityText.took(activity, session.now)); \(image.digest)"
    }
}
