import CommandLineKit
import Contracts

enum ModelList {
    static let prefix = Flag.text("prefix", "TEXT", "only names that begin so")

    static let command = Command<Session>(
        "list", "Lists the models of the workspace, by name.",
        flags: [prefix.specification, Shared.limit.specification],
        examples: [
            .init("slipway model list", "all"),
            .init("slipway model list --prefix churn -o json", "some, for a program"),
        ]
    ) { values, session in
        let connection = try session.connect()
        let prefix = values[prefix] ?? ""
        let found = try await Shared.pages(limit: values[Shared.limit] ?? 100) { size, token in
            let answer = try await connection.models.listModels(
                .init(namePrefix: prefix, pageSize: size, pageToken: token))
            return (answer.models, answer.nextPageToken)
        }
        try session.show(Slipway.Models.V1.ListModelsResponse(models: found.elements, nextPageToken: found.next)) {
            var table = Table([
                .init("NAME", shrinksTo: 12), .init("LATEST", .right), .init("VERSIONS", .right),
                .init("ALIASES", shrinksTo: 10), .init("CHANGED"), .init("DESCRIPTION", shrinksTo: 10),
            ])
            for model in found.elements {
                table.add([
                    model.name, model.latestVersion.map { "\($0)" } ?? "", "\(model.versionCount)",
                    model.aliases.map { "\($0.name)=\($0.version)" }.joined(separator: " "),
                    session.relative(model.updatedAt), model.description,
                ])
            }
            return session.text(table, whenEmpty: "there is no model")
        }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
