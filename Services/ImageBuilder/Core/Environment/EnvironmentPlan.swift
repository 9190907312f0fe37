internal import Blobs
internal import OCI

/// What is to be resolved, as it is once the dependency file was read: the same for files that mean the same.
struct EnvironmentPlan: Equatable {
    /// The target's Python: all that is known of it.
    let python: PythonVersion
    let usesBase: Bool
    let gpu: Bool
    let takesPreReleases: Bool
    /// By name.
    let requirements: [Requirement]
    /// Names that the file has.
    let askedFor: Set<String>
    /// What was passed over or changed, for the log.
    let notes: [String]

    /// - Parameter own: the builder's Python.
    /// - Throws: `BuildFailure` with everything that is wrong with the file.
    init(_ request: EnvironmentRequest, own: PythonVersion) throws(BuildFailure) {
        let file = try Contents(request)
        (python, usesBase) = try Self.choose(file.python, base: request.basePython, own: own, request.fileName)
        var requirements = file.requirements.map { request.gpu ? Self.computingOnGPU($0) : $0 }
        askedFor = Set(requirements.map(\.name))
        let hasHashes = requirements.contains { !$0.hashes.isEmpty }
        for text in request.additions {
            let addition: Requirement
            do { addition = try Requirement(text) } catch {
                throw BuildFailure("dependencies.addition", "what the model needs can't be read: \(error)")
            }
            guard !askedFor.contains(addition.name) else { continue }
            guard !hasHashes else {
                throw BuildFailure(
                    "dependencies.hashes",
                    "\(request.fileName) has hashes, so that nothing else may be installed, and the model needs "
                        + "\(addition.name): add it with its hashes")
            }
            requirements.append(addition)
        }
        self.requirements = Array(Set(requirements)).sorted { ($0.name, $0.text) < ($1.name, $1.text) }
        gpu = request.gpu
        takesPreReleases = file.takesPreReleases
        notes = file.notes
    }

    /// Names everything that decides what is installed.
    func key(_ platform: WheelPlatform) throws -> String {
        var text = "environment 1\npython \(python)\nbase \(usesBase)\nplatform \(platform)\ngpu \(gpu)\n"
        text += "pre \(takesPreReleases)\n"
        for requirement in requirements { text += "\(requirement.text)\n" }
        return try BlobHasher.digest(text.utf8).description
    }

    /// The packages that compute on a GPU where those of the usual name do not.
    private static func computingOnGPU(_ requirement: Requirement) -> Requirement {
        var changed = requirement
        switch requirement.name {
        case "onnxruntime": changed.name = "onnxruntime-gpu"
        case "tensorflow" where !requirement.extras.contains("and-cuda"): changed.extras.append("and-cuda")
        case "faiss-cpu": changed.name = "faiss-gpu-cu12"
        case "xgboost-cpu": changed.name = "xgboost"
        default: break
        }
        // Other files have other hashes.
        if changed.name != requirement.name { changed.hashes = [] }
        return changed
    }

    private static func choose(
        _ wanted: PythonConstraint?, base: String?, own: PythonVersion, _ file: String
    ) throws(BuildFailure) -> (PythonVersion, Bool) {
        if let base {
            guard let version = PythonVersion(base), version.parts.count > 1 else {
                throw BuildFailure(
                    "base.python", "the base image's Python says that it is \(base.shown), which is no version")
            }
            guard wanted?.allows(version) ?? true else {
                throw BuildFailure(
                    "dependencies.python",
                    "\(file) wants Python \(wanted?.description ?? ""), and the base image brings \(version)")
            }
            return (version, true)
        }
        guard wanted?.allows(own) ?? true else {
            throw BuildFailure(
                "dependencies.python",
                "\(file) wants Python \(wanted?.description ?? ""), and this builder has \(own) only; a base image brings "
                    + "others: `python:3.12-slim`")
        }
        return (own, false)
    }
}

/// What either kind of file says.
private struct Contents {
    var python: PythonConstraint?
    var requirements: [Requirement] = []
    var takesPreReleases = false
    var notes: [String] = []

    private static let bytesMax = 1 << 20
    private static let requirementsMax = 2000

    init(_ request: EnvironmentRequest) throws(BuildFailure) {
        let name = request.fileName
        guard request.text.utf8.count <= Self.bytesMax else {
            throw BuildFailure("dependencies.file", "\(name) has more than \(Self.bytesMax) bytes")
        }
        var problems: [String] = []
        let file = name.split(separator: "/").last.map { $0.lowercased() } ?? ""
        if file.hasSuffix(".yml") || file.hasSuffix(".yaml") {
            let conda: CondaFile
            do { conda = try CondaFile(request.text) } catch {
                throw BuildFailure("dependencies.file", "\(name), \(error)")
            }
            (python, requirements, notes) = (conda.python, conda.requirements, conda.notes)
            (problems, takesPreReleases) = (conda.problems, conda.takesPreReleases)
            if problems.isEmpty, !conda.onlyConda.isEmpty {
                throw BuildFailure(
                    "dependencies.conda",
                    "\(name) names packages that pip can't install: \(conda.onlyConda.joined(separator: "; "))")
            }
        } else if file.hasSuffix(".txt") || file.hasSuffix(".in") || file.isEmpty {
            let list = RequirementsFile(request.text)
            (requirements, problems, takesPreReleases) = (list.requirements, list.problems, list.takesPreReleases)
        } else {
            throw BuildFailure(
                "dependencies.file",
                "\(name.shown) is neither a conda environment (`environment.yml`) nor a list for pip "
                    + "(`requirements.txt`)")
        }
        if requirements.count > Self.requirementsMax {
            problems.append("it names \(requirements.count) packages; \(Self.requirementsMax) are the most")
        }
        guard problems.isEmpty else {
            let more = problems.count > 20 ? "; and \(problems.count - 20) more" : ""
            throw BuildFailure(
                "dependencies.file", "\(name): \(problems.prefix(20).joined(separator: "; "))\(more)")
        }
    }
}
