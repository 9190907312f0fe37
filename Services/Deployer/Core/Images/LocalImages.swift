package import Blobs
package import DeployerTargets
package import Postgres
internal import OCI

/// The images whose bytes are in this installation's own store.
package struct LocalImages: Sendable {
    package static let documentBytesMax = 4 << 20

    let pool: PostgresPool
    package let store: any BlobStore

    package init(_ pool: PostgresPool, store: any BlobStore) {
        self.pool = pool
        self.store = store
    }

    /// An image as places take it.
    /// - Parameter name: for people: `default/churn:2`.
    /// - Throws: `BlobError` `.notFound` where it was not brought; `OCIError` where it can't be read.
    package func image(_ digest: BlobDigest, name: String) async throws -> LocalImage {
        let manifest = try Manifest(json: try await bytes(digest)[...])
        let configuration = try ImageConfiguration(json: try await bytes(manifest.configuration.digest)[...])
        return LocalImage(
            name: name, digest: "\(digest)", manifest: manifest, configuration: configuration, store: store)
    }

    private func bytes(_ digest: BlobDigest) async throws -> [UInt8] {
        try await store.withBlob(digest) { try await $0.verifiedBytes(upTo: LocalImages.documentBytesMax) }
    }

    /// Those of the parts that belong to an image that is here.
    func held(_ parts: [BlobDigest]) async throws -> Set<BlobDigest> {
        let found = try await pool.query(
            """
            SELECT DISTINCT digest FROM deployments.local_image_blobs WHERE digest = ANY(\(parts.map(\.bytes)))
            """
        ).all([UInt8].self)
        // An answer that can't be read is no answer: whatever it does not name may be removed.
        return Set(
            try found.map { bytes in
                guard let digest = BlobDigest(bytes: bytes) else {
                    throw PostgresError(.usage, "a digest of \(bytes.count) bytes")
                }
                return digest
            })
    }

    /// What writes down that an image is here.
    static func statements(_ image: PulledImage) -> [PostgresQuery] {
        let parts = Set([image.digest, image.manifest.configuration.digest] + image.manifest.layers.map(\.digest))
        return [
            """
            INSERT INTO deployments.local_images (digest) VALUES (\(image.digest.bytes))
            ON CONFLICT (digest) DO UPDATE SET used = now()
            """,
            """
            INSERT INTO deployments.local_image_blobs (image, digest)
            SELECT \(image.digest.bytes), digest FROM unnest(\(parts.sorted().map(\.bytes))) AS given (digest)
            ON CONFLICT DO NOTHING
            """,
        ]
    }
}
