import CommandLineKit
import Contracts

enum ModelShow {
    static let what = Argument("MODEL", "a model, churn, or one of its versions, churn:3, churn@champion")
    static let asOf = Flag.moment("as-of", "a version as it was then")
    static let deleted = Flag.switch("deleted", "finds a deleted version too")

    static let command = Command<Session>(
        "show", "Shows a model, or one of its versions.", arguments: [what],
        flags: [asOf.specification, deleted.specification],
        examples: [
            .init("slipway model show churn", "the model and its versions"),
            .init("slipway model show churn@champion", "the version that an alias points to"),
            .init("slipway model show churn:3 --as-of 7d", "a version as it was a week ago"),
        ]
    ) { values, session in
        let connection = try session.connect()
        if VersionText.namesVersion(values[what]) {
            let request = Slipway.Models.V1.GetVersionRequest(
                version: values[what], includeDeleted: values[deleted],
                asOf: try session.timestamp(values[asOf], flag: "as-of"))
            let version = try await connection.models.getVersion(request)
            try session.show(version) { VersionText.details(version, session) }
        } else {
            guard values[asOf] == nil else {
                throw UsageError("--as-of asks about a version: \(values[what]):3", path: "slipway model show")
            }
            let model = try await connection.models.getModel(.init(name: values[what]))
            try session.show(model) { text(model, session) }
        }
    }

    private static func text(_ model: Slipway.Models.V1.Model, _ session: Session) -> String {
        var facts = Facts()
        facts.add("name", model.name)
        facts.add("description", model.description)
        facts.add("versions", "\(model.versionCount)")
        facts.add("latest", model.latestVersion.map { "\(model.name):\($0)" } ?? "")
        facts.add("tags", model.tags)
        facts.add(
            "aliases", Dictionary(model.aliases.map { ($0.name, "\($0.version)") }, uniquingKeysWith: { $1 }))
        facts.add("made", session.exact(model.createdAt))
        facts.add("changed", session.exact(model.updatedAt))
        return session.text(facts)
    }
}
