import ResourceKit
import Access
import Blobs
import Contracts
import RPC

/// A request to register, checked and put in order: everything that can be said of it without the database.
struct Registration: Sendable {
    /// One file, with its digest as it is compared and stored.
    struct File: Sendable {
        let path: String
        let digest: BlobDigest
        /// The caller's own text of it: of many files a second one would be megabytes.
        let digestText: String
        /// Zero also where the caller did not say.
        var size: Int64

        var contract: Slipway.Models.V1.ModelFile { .init(path: path, digest: digestText, sizeBytes: size) }
    }

    let request: Slipway.Models.V1.RegisterRequest
    /// Without credentials, and with the parents as the lineage names them.
    let origin: Slipway.Models.V1.Origin
    let parents: [VersionReference]
    /// By path, byte by byte.
    var files: [File]
    /// Of the paths and digests: the same for the same files.
    let filesDigest: [UInt8]
    /// Of the whole request but its own name; empty where it has none.
    let requestDigest: [UInt8]

    /// - Throws: `invalidArgument` with everything that is wrong.
    init(_ request: Slipway.Models.V1.RegisterRequest) throws(RPCError) {
        var violations = FieldViolations()
        Registration.checkNames(request, &violations)
        Registration.checkTexts(request, &violations)
        violations.check(labels: request.tags, "tags")
        violations.check(labels: request.properties, "properties")
        violations.check(metrics: request.metrics, "metrics")
        let parents = Registration.parents(request, &violations)
        var files = Registration.files(request.files, &violations)
        try violations.check()
        self.request = request
        self.parents = parents
        files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        self.files = files
        filesDigest = Registration.digest(files)
        requestDigest = request.requestId.isEmpty ? [] : Registration.digest(request, files: filesDigest)
        var origin = request.origin ?? Slipway.Models.V1.Origin()
        if let repository = origin.git?.repository {
            origin.git?.repository = RepositoryAddress.withoutCredentials(repository)
        }
        origin.datasets = origin.datasets.map(RepositoryAddress.withoutCredentials)
        origin.parents = parents.map { "models:/\($0.name)/\($0.text.dropFirst($0.name.utf8.count + 1))" }
        self.origin = origin
    }

    var sizeBytes: Int64 { files.reduce(0) { $0 + $1.size } }

    var distinctDigests: [BlobDigest] { Array(Set(files.map(\.digest))).sorted() }

    private static func checkNames(_ request: Slipway.Models.V1.RegisterRequest, _ violations: inout FieldViolations) {
        violations.check(model: request.name)
        if request.aliases.count > TextLimits.aliasesMax {
            violations.add("aliases", "there are \(request.aliases.count); \(TextLimits.aliasesMax) at most")
        }
        var seen: Set<String> = []
        for (index, alias) in request.aliases.enumerated() {
            violations.check(alias: alias, "aliases[\(index)]")
            if !seen.insert(alias).inserted { violations.add("aliases[\(index)]", "\(shown(alias)) is there twice") }
        }
        if !NameRules.isRequest(request.requestId) {
            violations.add("request_id", "\(shown(request.requestId)) should be \(NameRules.request)")
        }
    }

    private static func checkTexts(_ request: Slipway.Models.V1.RegisterRequest, _ violations: inout FieldViolations) {
        violations.check(text: request.description, "description", bytesMax: TextLimits.textBytesMax)
        violations.check(text: request.license, "license", bytesMax: RegistryLimits.licenseBytesMax)
        violations.check(reason: request.reason)
        let format = request.format ?? Slipway.Models.V1.ModelFormat()
        let origin = request.origin ?? Slipway.Models.V1.Origin()
        let git = origin.git ?? Slipway.Models.V1.Git()
        for (field, text) in [
            ("format.name", format.name), ("format.framework", format.framework),
            ("format.framework_version", format.frameworkVersion), ("origin.run", origin.run),
            ("origin.experiment", origin.experiment), ("origin.git.branch", git.branch),
            ("origin.git.commit", git.commit),
        ] { violations.check(text: text, field, bytesMax: TextLimits.nameBytesMax) }
        violations.check(text: git.repository, "origin.git.repository", bytesMax: RegistryLimits.addressBytesMax)
        for (index, dataset) in origin.datasets.enumerated().prefix(RegistryLimits.originsMax) {
            let field = "origin.datasets[\(index)]"
            violations.check(text: dataset, field, bytesMax: RegistryLimits.addressBytesMax)
            if dataset.isEmpty { violations.add(field, "it is empty") }
        }
        if origin.datasets.count > RegistryLimits.originsMax {
            violations.add(
                "origin.datasets", "there are \(origin.datasets.count); \(RegistryLimits.originsMax) at most")
        }
        let facts = format.encodedSize + (request.signature?.encodedSize ?? 0)
        if facts > RegistryLimits.factsBytesMax {
            violations.add(
                "signature", "with the format it has \(facts) bytes; \(RegistryLimits.factsBytesMax) at most")
        }
    }

    private static func parents(
        _ request: Slipway.Models.V1.RegisterRequest, _ violations: inout FieldViolations
    ) -> [VersionReference] {
        let given = request.origin?.parents ?? []
        if given.count > RegistryLimits.originsMax {
            violations.add("origin.parents", "there are \(given.count); \(RegistryLimits.originsMax) at most")
        }
        var parents: [VersionReference] = []
        for (index, text) in given.enumerated().prefix(RegistryLimits.originsMax) {
            guard let parent = VersionReference(parsing: text), case .number = parent.which else {
                violations.add(
                    "origin.parents[\(index)]",
                    "\(shown(text)) should name a version by its number, as models:/name/3: what it was made from stays"
                )
                continue
            }
            if !parents.contains(parent) { parents.append(parent) }
        }
        return parents
    }

    private static func files(
        _ given: [Slipway.Models.V1.ModelFile], _ violations: inout FieldViolations
    ) -> [File] {
        guard (1...RegistryLimits.filesMax).contains(given.count) else {
            violations.add("files", "there are \(given.count); a version has 1 to \(RegistryLimits.filesMax)")
            return []
        }
        var files: [File] = []
        files.reserveCapacity(given.count)
        var total: Int64 = 0
        for (index, file) in given.enumerated() {
            if let fault = PathRules.fault(file.path) { violations.add("files[\(index)].path", fault) }
            if !(0...RegistryLimits.fileBytesMax).contains(file.sizeBytes) {
                violations.add("files[\(index)].size_bytes", "it is \(file.sizeBytes)")
            } else {
                total += file.sizeBytes
            }
            guard let digest = BlobDigest(file.digest) else {
                violations.add(
                    "files[\(index)].digest",
                    "\(shown(file.digest)) should be sha256: and 64 lower-case hexadecimal digits")
                continue
            }
            files.append(File(path: file.path, digest: digest, digestText: file.digest, size: file.sizeBytes))
        }
        if total > RegistryLimits.fileBytesMax { violations.add("files", "they have \(total) bytes together") }
        PathRules.collisions(given.map(\.path)) { violations.add("files[\($0)].path", $1) }
        return files
    }
}
