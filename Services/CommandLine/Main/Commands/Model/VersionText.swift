import CommandLineKit
import Contracts

/// Versions as people read them.
enum VersionText {
    /// Whether a text names a version rather than a model.
    static func namesVersion(_ text: String) -> Bool {
        let name = text.hasPrefix("models:/") ? text.dropFirst(8) : text[...]
        return name.contains { ":/@".contains($0) }
    }

    static func details(_ version: Slipway.Models.V1.ModelVersion, _ session: Session) -> String {
        var facts = Facts()
        facts.add("version", "\(version.model):\(version.version)")
        facts.add("description", version.description)
        facts.add("aliases", version.aliases.joined(separator: ", "))
        facts.add("tags", version.tags)
        facts.add("properties", version.properties)
        facts.add("metrics", version.metrics.mapValues { "\($0)" })
        facts.add("license", version.license)
        if let format = version.format {
            facts.add("format", format.name)
            facts.add("framework", "\(format.framework) \(format.frameworkVersion)".trimmed)
        }
        if let origin = version.origin { add(origin, to: &facts) }
        facts.add("digest", version.digest)
        facts.add("size", Amounts.bytes(version.sizeBytes))
        facts.add("registered", "\(session.exact(version.createdAt)) by \(version.createdBy)")
        facts.add("changed", session.exact(version.updatedAt))
        facts.add("deleted", session.exact(version.deletedAt))
        for warning in version.warnings { facts.add("warning", "\(warning.path): \(warning.message)") }
        return session.text(facts) + tables(version, session)
    }

    private static func add(_ origin: Slipway.Models.V1.Origin, to facts: inout Facts) {
        facts.add("run", origin.run)
        facts.add("datasets", origin.datasets.joined(separator: ", "))
        facts.add("parents", origin.parents.joined(separator: ", "))
        guard let git = origin.git else { return }
        let branch = git.branch.isEmpty ? "" : " on \(git.branch)"
        facts.add("commit", "\(git.commit)\(branch)\(git.dirty ? ", with changes" : "")")
        facts.add("repository", git.repository)
    }

    private static func tables(_ version: Slipway.Models.V1.ModelVersion, _ session: Session) -> String {
        var text = ""
        let tensors =
            (version.signature?.inputs ?? []).map { ("input", $0) }
            + (version.signature?.outputs ?? []).map { ("output", $0) }
        if !tensors.isEmpty {
            var table = Table([.init("SIGNATURE"), .init("NAME", shrinksTo: 8), .init("TYPE"), .init("SHAPE")])
            for (side, tensor) in tensors {
                table.add([side, tensor.name, tensor.datatype, tensor.shape.map { "\($0)" }.joined(separator: "×")])
            }
            text += "\n" + session.text(table, whenEmpty: "")
        }
        if !version.files.isEmpty {
            var table = Table([.init("FILE", shrinksTo: 16), .init("SIZE", .right), .init("DIGEST", shrinksTo: 19)])
            for file in version.files { table.add([file.path, Amounts.bytes(file.sizeBytes), file.digest]) }
            text += "\n" + session.text(table, whenEmpty: "")
        }
        return text
    }
}

extension String {
    /// Without spaces around it.
    fileprivate var trimmed: String {
        var text = self[...].drop { $0 == " " }
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
