import CommandLineKit
import Contracts

enum ModelRegister {
    static let path = Argument("PATH", "a file, or a folder with all that is in it", completion: .files)
    static let name = Flag.required("name", "NAME", "the name to register under; a new one makes a model")
    static let description = Flag.text("description", "TEXT", "what it is for, or what is new in it")
    static let tags = Flag.pairs("tag", "a label that can change")
    static let properties = Flag.pairs("property", "a fact that stays")
    static let metrics = Flag.numbers("metric", "a number that it reached")
    static let aliases = Flag.list("alias", "ALIAS", "an alias that is to point to it")
    static let run = Flag.text("run", "ID", "the run that produced it")
    static let parents = Flag.list("parent", "VERSION", "a version that it was made from")
    static let datasets = Flag.list("dataset", "NAME", "data that it was trained on")
    static let license = Flag.text("license", "SPDX", "under which terms it may be used")
    static let followsLinks = Flag.switch("follow-links", "takes the files that links point to")
    static let noGit = Flag.switch("no-git", "does not say which commit the path is of")

    static let command = Command<Session>(
        "register", "Registers a file or a folder as the next version of a model.",
        details: """
            Files that the registry has are not sent again, and a transfer that broke off goes on where it stopped. \
            The version's name is written to the standard output, and nothing else.
            """,
        arguments: [path],
        flags: [
            name.specification, description.specification, tags.specification, properties.specification,
            metrics.specification, aliases.specification, run.specification, parents.specification,
            datasets.specification, license.specification, followsLinks.specification, noGit.specification,
            Shared.reason.specification,
        ],
        examples: [
            .init("slipway model register ./model.onnx --name churn", "one file"),
            .init(
                "slipway model register ./mlruns/1/model --name churn --metric auc=0.93 --alias champion", "a folder"),
            .init("version=$(slipway model register ./model.onnx --name churn -q)", "in a script"),
        ]
    ) { values, session in
        let connection = try session.connect()
        let registration = Registration(session: session, connection: connection)
        let files = try await registration.hash(try LocalFiles.find(values[path], followsLinks: values[followsLinks]))
        var request = Slipway.Models.V1.RegisterRequest()
        request.name = values[name]
        request.files = files.map(\.file)
        request.description = values[description] ?? ""
        request.tags = values[tags]
        request.properties = values[properties]
        request.metrics = values[metrics]
        request.aliases = values[aliases]
        request.license = values[license] ?? ""
        request.reason = values[Shared.reason] ?? ""
        var origin = Slipway.Models.V1.Origin(run: values[run] ?? "")
        origin.parents = values[parents]
        origin.datasets = values[datasets]
        if !values[noGit] { origin.git = GitFacts.of(values[path]) }
        if origin != Slipway.Models.V1.Origin() { request.origin = origin }

        let outcome = try await registration.register(request, files)
        try session.show(outcome.version) { "\(outcome.version.model):\(outcome.version.version)\n" }
        session.note(outcome.summary)
        for warning in outcome.version.warnings {
            session.note("warning: \(warning.path.isEmpty ? "" : "\(warning.path): ")\(warning.message)")
        }
    }
}
