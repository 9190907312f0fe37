import Blobs
import Postgres
import RPC

extension RegistryStore {
    /// A held blob is an open file. Of more than these each is touched and let go: that makes it as young as one that was
    /// just put, and the collection leaves what is younger than a day.
    private static let heldMax = 256

    /// Holds the blobs of the files in the store, and takes their sizes from there. Only bytes that the workspace brought
    /// itself count: knowing a digest is not having the bytes.
    /// - Throws: `failedPrecondition` with those that are lacking, `invalidArgument` where a size is another.
    func hold(_ registration: inout Registration, _ change: RegistryChange) async throws -> [BlobPin] {
        let digests = registration.distinctDigests
        let there = try await pool.query(
            """
            SELECT given.digest FROM unnest(\(digests.map(\.bytes))) AS given (digest)
            WHERE EXISTS (
                SELECT FROM registry.uploads AS u
                WHERE u.workspace = \(change.workspaceID) AND u.digest = given.digest AND u.done)
            OR EXISTS (
                SELECT FROM registry.files AS f JOIN registry.file_sets AS s ON s.id = f.file_set
                WHERE f.digest = given.digest AND s.workspace = \(change.workspaceID))
            """
        ).all([UInt8].self)
        let isHeld = digests.count <= RegistryStore.heldMax
        let brought = Set(there.compactMap { BlobDigest(bytes: $0) })
        var pins: [BlobDigest: BlobPin] = [:]
        pins.reserveCapacity(digests.count)
        var lacking: [BlobDigest] = []
        for digest in digests {
            guard brought.contains(digest) else {
                lacking.append(digest)
                continue
            }
            do {
                let pin = try await blobs.pin(digest)
                if !isHeld { pin.release() }
                pins[digest] = pin
            } catch let error as BlobError where error.code == .notFound {
                lacking.append(digest)
            }
        }
        guard lacking.isEmpty else { throw RegistryStore.lacking(lacking, registration) }
        try RegistryStore.takeSizes(&registration, pins)
        return isHeld ? Array(pins.values) : []
    }

    private static func takeSizes(_ registration: inout Registration, _ pins: [BlobDigest: BlobPin]) throws {
        var violations = FieldViolations()
        for (index, file) in registration.files.enumerated() {
            guard let size = pins[file.digest]?.info.size else { continue }
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
