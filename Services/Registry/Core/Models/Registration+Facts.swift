import ResourceKit
import Contracts
import Protobuf

extension Registration {
    /// What is known of the version besides what can change: what the caller says, and where it says nothing, what the files
    /// themselves do.
    func facts(recognised: Slipway.Models.V1.ModelVersion) -> Slipway.Models.V1.ModelVersion {
        var facts = Slipway.Models.V1.ModelVersion()
        facts.format = Registration.merged(request.format, recognised.format)
        facts.signature = Registration.merged(request.signature, recognised.signature)
        facts.origin = Registration.merged(origin, recognised.origin)
        facts.license = Registration.first(request.license, recognised.license)
        facts.warnings = recognised.warnings
        return facts
    }

    private static func first(_ given: String, _ recognised: String) -> String { given.isEmpty ? recognised : given }

    private static func merged(
        _ given: Slipway.Models.V1.ModelFormat?, _ recognised: Slipway.Models.V1.ModelFormat?
    ) -> Slipway.Models.V1.ModelFormat {
        var format = given ?? Slipway.Models.V1.ModelFormat()
        let other = recognised ?? Slipway.Models.V1.ModelFormat()
        format.name = first(format.name, first(other.name, "unknown"))
        // A version goes with its framework: that of another one says nothing.
        if format.framework.isEmpty || format.framework == other.framework {
            format.framework = other.framework
            format.frameworkVersion = first(format.frameworkVersion, other.frameworkVersion)
        }
        format.flavors.merge(other.flavors) { given, _ in given }
        format.mainPath = first(format.mainPath, other.mainPath)
        format.details.merge(other.details) { given, _ in given }
        return format
    }

    private static func merged(
        _ given: Slipway.Models.V1.Signature?, _ recognised: Slipway.Models.V1.Signature?
    ) -> Slipway.Models.V1.Signature? {
        guard var signature = given, let other = recognised else { return given ?? recognised }
        if signature.inputs.isEmpty { signature.inputs = other.inputs }
        if signature.outputs.isEmpty { signature.outputs = other.outputs }
        if signature.features.isEmpty { signature.features = other.features }
        signature.sampleInputJson = first(signature.sampleInputJson, other.sampleInputJson)
        return signature
    }

    private static func merged(
        _ given: Slipway.Models.V1.Origin, _ recognised: Slipway.Models.V1.Origin?
    ) -> Slipway.Models.V1.Origin {
        guard let other = recognised else { return given }
        var origin = given
        origin.run = first(origin.run, other.run)
        origin.experiment = first(origin.experiment, other.experiment)
        if origin.git == nil, var git = other.git {
            git.repository = RepositoryAddress.withoutCredentials(git.repository)
            origin.git = git
        }
        if origin.datasets.isEmpty { origin.datasets = other.datasets.map(RepositoryAddress.withoutCredentials) }
        return origin
    }

    /// What the version is a result of, as the lineage names it.
    static func origins(_ origin: Slipway.Models.V1.Origin?) -> [(relation: String, origin: String)] {
        guard let origin else { return [] }
        var origins: [(relation: String, origin: String)] = []
        if !origin.run.isEmpty { origins.append(("run", "runs/\(origin.run)")) }
        if let git = origin.git, !git.commit.isEmpty {
            origins.append(("commit", git.repository.isEmpty ? git.commit : "\(git.repository)@\(git.commit)"))
        }
        origins += Set(origin.datasets).sorted().map { ("dataset", $0) }
        origins += origin.parents.compactMap { VersionReference(parsing: $0) }.map { ("parent", "models/\($0.text)") }
        return origins
    }
}
