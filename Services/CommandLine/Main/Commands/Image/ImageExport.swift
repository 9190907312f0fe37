import CommandLineKit
import Contracts
import Glibc
import RPC

enum ImageExport {
    static let format = Flag.choice("to", ["docker-archive", "oci"], "how a file holds it (docker-archive)")
    static let file = Flag.text(
        "file", short: "o", "FILE", "where it goes; - for the standard output", completion: .files)
    static let force = Flag.switch("force", short: "f", "replaces a file that is there")

    static let command = Command<Session>(
        "export", "Writes an image to a file, for `docker load`, or as an OCI layout.",
        details: "The file is there whole, or not at all.", arguments: [ImageGroup.image],
        flags: [format.specification, file.specification, force.specification],
        examples: [
            .init("slipway image export churn-svc:2 -o churn-svc.tar", "for `docker load -i churn-svc.tar`"),
            .init("slipway image export churn-svc:2 --to oci -o - | ssh edge 'podman load'", "through a pipe"),
        ]
    ) { values, session in
        guard let path = values[file] else {
            throw UsageError(
                "say where it goes: -o FILE, or -o - for the standard output", path: "slipway image export")
        }
        if path == "-", session.terminal.outputIsTerminal {
            throw UsageError(
                "an image is nothing for a terminal; -o FILE writes it to a file", path: "slipway image export")
        }
        let connection = try session.connect()
        let target = try ExportFile(path, replaces: values[force])
        let request = Slipway.Images.V1.ExportRequest(
            image: values[ImageGroup.image], format: values[format] == "oci" ? .ociArchive : .dockerArchive)
        let bytes = try await receive(request, into: target, connection, session)
        try target.finish()
        session.note("\(Amounts.bytes(bytes)) of \(values[ImageGroup.image])\(path == "-" ? "" : " in \(path)")")
    }

    private static func receive(
        _ request: Slipway.Images.V1.ExportRequest, into target: ExportFile, _ connection: Connection,
        _ session: Session
    ) async throws -> Int64 {
        try await connection.images.export(request) { responses in
            var progress: Progress?
            defer { progress?.end() }
            var received: Int64 = 0
            var total: Int64 = 0
            for try await response in responses {
                if progress == nil {
                    total = response.totalBytes
                    progress = Progress("exporting", total: total, on: session.terminal, isQuiet: session.isQuiet)
                }
                try target.append(response.data)
                received += Int64(response.data.count)
                progress?.advance(by: Int64(response.data.count))
            }
            guard received == total else {
                throw Failure(.failed, "the image builder sent \(received) bytes of \(total)")
            }
            return received
        }
    }
}
