import CommandLineKit
import Contracts

enum ModelDownload {
    static let folder = Flag.text(
        "to", "FOLDER", "where the files go (a folder named as the version)", completion: .folders)
    static let only = Flag.list("file", "PATH", "only this file of the version")
    static let force = Flag.switch("force", short: "f", "replaces other files that are in the place")
    private static let transfersAtOnce = 4

    static let command = Command<Session>(
        "download", "Brings the files of a version into a folder.",
        details: """
            Each file's digest is checked. What is there already is not sent again, and a download that broke off goes \
            on where it stopped. The folder is written to the standard output.
            """,
        arguments: [Shared.version], flags: [folder.specification, only.specification, force.specification],
        examples: [
            .init("slipway model download churn:3", "into ./churn-3"),
            .init("slipway model download churn@champion --to /srv/models/churn", "what is in use, into a folder"),
            .init("slipway model download churn:3 --file model.onnx --to .", "one file"),
        ]
    ) { values, session in
        let connection = try session.connect()
        let version = try await connection.models.getVersion(.init(version: values[Shared.version]))
        let files = try choose(values[only], of: version)
        let path = values[folder] ?? "\(version.model)-\(version.version)"
        let downloader = Downloader(
            connection: connection, version: "\(version.model)/\(version.version)", folder: try DownloadFolder(path),
            replaces: values[force])
        let missing = try await downloader.missing(of: files)
        let bytes = missing.reduce(0) { $0 + $1.sizeBytes }
        let progress = Progress("downloading", total: bytes, on: session.terminal, isQuiet: session.isQuiet)
        defer { progress.end() }
        _ = try await AtOnce.each(missing, limit: transfersAtOnce) { try await downloader.download($0, progress) }
        progress.end()
        try session.show(version) { "\(path)\n" }
        let there = files.count - missing.count
        session.note(
            "\(Amounts.count(missing.count, "file")) of \(version.model):\(version.version), \(Amounts.bytes(bytes))"
                + (there > 0 ? "; \(there) were there" : ""))
    }

    private static func choose(
        _ paths: [String], of version: Slipway.Models.V1.ModelVersion
    ) throws -> [Slipway.Models.V1.ModelFile] {
        guard !paths.isEmpty else { return version.files }
        return try paths.map { path in
            if let file = version.files.first(where: { $0.path == path }) { return file }
            let hint = Suggestion.nearest(to: path, among: version.files.map(\.path)).map { "; did you mean \($0)?" }
            throw Failure(.notFound, "\(version.model):\(version.version) has no file \"\(path)\"\(hint ?? "")")
        }
    }
}
