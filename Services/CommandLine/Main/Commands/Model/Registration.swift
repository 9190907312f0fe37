import CommandLineKit
import Contracts
import Loop
import RPC

/// Brings files into the registry and makes a version of them.
struct Registration: Sendable {
    struct HashedFile: Sendable {
        let file: Slipway.Models.V1.ModelFile
        let location: String
    }

    struct Outcome {
        let version: Slipway.Models.V1.ModelVersion
        let sentBytes: Int64
        let sentFiles: Int
        let files: Int

        var summary: String {
            let there = files - sentFiles
            let rest =
                switch (there, files) {
                case (0, _): "from \(Amounts.count(files, "file"))"
                case (1, 1): "the file was there"
                case (files, _): "all \(files) files were there"
                default: "\(there) of \(files) files were there"
                }
            return "\(Amounts.bytes(sentBytes)) uploaded, \(rest)"
        }
    }

    private static let transfersAtOnce = 4
    private static let filesAskedAbout = 10_000

    let session: Session
    let connection: Connection

    /// Reads every file once, as many at a time as there are cores.
    func hash(_ files: [LocalFile]) async throws -> [HashedFile] {
        let progress = Progress(
            "hashing", total: files.reduce(0) { $0 + $1.size }, on: session.terminal, isQuiet: session.isQuiet)
        defer { progress.end() }
        return try await AtOnce.each(files, limit: AvailableCores.count) { file in
            let (digest, size) = try FileReader.digest(file.location) { progress.advance(by: $0) }
            return HashedFile(
                file: .init(path: file.path, digest: digest.description, sizeBytes: size), location: file.location)
        }
    }

    /// - Throws: `RPCError`, `Failure`.
    func register(_ request: Slipway.Models.V1.RegisterRequest, _ files: [HashedFile]) async throws -> Outcome {
        var request = request
        // Drawn once: whatever is repeated, one version comes of it.
        request.requestId = Shared.drawRequestID()
        var sent: [String: Int64] = [:]
        var rounds = 0
        while true {
            rounds += 1
            let missing = try await missing(request.files)
            sent.merge(try await upload(files.filter { missing.contains($0.file.digest) }), uniquingKeysWith: +)
            do {
                let version = try await connection.models.register(
                    request, options: CallOptions(retry: RetryPolicy(attemptsMax: 5)))
                return outcome(version, sent, files)
            } catch let error as RPCError where error.code == .failedPrecondition && rounds < 3 {
                // A collection may have taken files between the question and the registration.
                guard try await !self.missing(request.files).isEmpty else { throw error }
            }
        }
    }

    /// Those whose bytes the registry lacks. A part is asked about at a time: it holds what it is asked in memory.
    private func missing(_ files: [Slipway.Models.V1.ModelFile]) async throws -> Set<String> {
        var missing: Set<String> = []
        for start in stride(from: 0, to: files.count, by: Registration.filesAskedAbout) {
            let part = Array(files[start..<min(start + Registration.filesAskedAbout, files.count)])
            missing.formUnion(try await connection.files.findMissing(.init(files: part)).digests)
        }
        return missing
    }

    private func outcome(
        _ version: Slipway.Models.V1.ModelVersion, _ sent: [String: Int64], _ files: [HashedFile]
    ) -> Outcome {
        // An upload that was there whole needed no bytes; one of an empty file never does.
        let sentFiles = files.count { file in
            sent[file.file.digest].map { $0 > 0 || file.file.sizeBytes == 0 } ?? false
        }
        return Outcome(
            version: version, sentBytes: sent.values.reduce(0, +), sentFiles: sentFiles, files: files.count)
    }

    /// - Returns: how many bytes were sent for each digest.
    private func upload(_ files: [HashedFile]) async throws -> [String: Int64] {
        var seen: Set<String> = []
        let files = files.filter { seen.insert($0.file.digest).inserted }
        let progress = Progress(
            "uploading", total: files.reduce(0) { $0 + $1.file.sizeBytes }, on: session.terminal,
            isQuiet: session.isQuiet)
        defer { progress.end() }
        let small = files.filter { $0.file.sizeBytes <= SmallFiles.sizeMax }
        let together = SmallFiles(connection: connection, progress: progress)
        _ = try await AtOnce.each(SmallFiles.batches(small), limit: Registration.transfersAtOnce) { batch in
            try await together.upload(batch)
        }
        var sent = Dictionary(uniqueKeysWithValues: small.map { ($0.file.digest, $0.file.sizeBytes) })
        let large = files.filter { $0.file.sizeBytes > SmallFiles.sizeMax }
        let uploader = Uploader(connection: connection, progress: progress)
        let counts = try await AtOnce.each(large, limit: Registration.transfersAtOnce) { file in
            try await uploader.upload(file.location, digest: file.file.digest, size: file.file.sizeBytes)
        }
        for (file, count) in zip(large, counts) { sent[file.file.digest] = count }
        return sent
    }
}
