import ResourceKit
import Blobs
import Postgres
import RPC

extension RegistryStore {
    /// A held blob is an open file. Of more than these each is touched and let go: that makes it as young as one that was
    /// just put, and the collection leaves what is younger than a day.
    private static let heldMax = 256

    /// Blobs that the database is asked about at a time.
    private static let page = 5000

    /// Holds the blobs of the files in the store, and takes their sizes from there. Only bytes that the workspace brought
    /// itself count: knowing a digest is not having the bytes.
    /// - Throws: `failedPrecondition` with those that are lacking, `invalidArgument` where a size is another.
    func hold(_ registration: inout Registration, _ change: RegistryChange) async throws -> [BlobPin] {
        let digests = registration.distinctDigests
        let isHeld = digests.count <= RegistryStore.heldMax
        var pins: [BlobPin] = []
        var sizes: [BlobDigest: Int64] = [:]
        sizes.reserveCapacity(digests.count)
        var lacking: [BlobDigest] = []
        for start in stride(from: 0, to: digests.count, by: RegistryStore.page) {
            let page = Array(digests[start..<min(start + RegistryStore.page, digests.count)])
            let brought = try await brought(page, change)
            for digest in page {
                guard brought.contains(digest), let pin = try await pin(digest) else {
                    lacking.append(digest)
                    continue
                }
                sizes[digest] = pin.info.size
                if isHeld { pins.append(pin) } else { pin.release() }
            }
        }
        guard lacking.isEmpty else { throw RegistryStore.lacking(lacking, registration) }
        try RegistryStore.take(sizes, &registration)
        return pins
    }

    /// Those that an upload or a version of the workspace has; as `FileCatalogue.known`.
    private func brought(_ digests: [BlobDigest], _ change: RegistryChange) async throws -> Set<BlobDigest> {
        let there = try await pool.query(
            """
            SELECT given.digest FROM unnest(\(digests.map(\.bytes))) AS given (digest)
            WHERE EXISTS (
                SELECT FROM registry.uploads AS u
                WHERE u.workspace = \(change.workspaceID) AND u.digest = given.digest AND u.done)
            OR EXISTS (
                SELECT FROM registry.files AS f WHERE f.digest = given.digest
                AND (SELECT s.workspace FROM registry.file_sets AS s WHERE s.id = f.file_set) = \(change.workspaceID))
            """
        ).all([UInt8].self)
        return Set(there.compactMap { BlobDigest(bytes: $0) })
    }

    /// Nil where there is no such blob.
    private func pin(_ digest: BlobDigest) async throws -> BlobPin? {
        do { return try await blobs.pin(digest) } catch let error as BlobError where error.code == .notFound {
            return nil
        }
    }

    private static func take(_ sizes: [BlobDigest: Int64], _ registration: inout Registration) throws {
        var violations = FieldViolations()
        for (index, file) in registration.files.enumerated() {
            guard let size = sizes[file.digest] else { continue }
            if file.size != 0, file.size != size {
                violations.add(
                    "files.size_bytes", "\(shown(file.path)) is said to have \(file.size) bytes; its blob has \(size)")
            }
            registration.files[index].size = size
        }
        try violations.check()
    }

    private static func lacking(_ digests: [BlobDigest], _ registration: Registration) -> RPCError {
        var paths: [BlobDigest: String] = [:]
        for file in registration.files.reversed() { paths[file.digest] = file.path }
        let unmet = digests.map { digest in
            Refusal.Unmet(
                type: "BLOB_MISSING", subject: "\(digest)",
                description: "the bytes of \(shown(paths[digest] ?? "")) were not uploaded to this workspace")
        }
        let named = digests.prefix(3).map { "\($0)" }.joined(separator: ", ")
        let rest = digests.count > 3 ? " and \(digests.count - 3) more" : ""
        return Refusal.precondition(
            "\(digests.count) of \(registration.distinctDigests.count) blobs are lacking: \(named)\(rest); upload them "
                + "and register again", unmet)
    }
}
