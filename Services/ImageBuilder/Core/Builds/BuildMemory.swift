public import Postgres
internal import Blobs
internal import Contracts
internal import OCI

/// Layers by everything that decided them, in the database, for all builders.
public struct LayerRecords: LayerMemory {
    private let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    public func find(_ key: String) async throws -> KnownLayer? {
        let rows = try await pool.query(
            """
            UPDATE images.layers SET used = now() WHERE key = \(key) RETURNING media_type, digest, size, contents
            """
        ).all((String, [UInt8], Int64, [UInt8]).self)
        guard let (mediaType, digest, size, contents) = rows.first, let digest = BlobDigest(bytes: digest),
            let contents = BlobDigest(bytes: contents)
        else { return nil }
        return KnownLayer(
            descriptor: Descriptor(mediaType: mediaType, digest: digest, size: size), contents: contents)
    }

    public func keep(_ key: String, _ layer: KnownLayer) async throws {
        try await pool.execute(
            """
            INSERT INTO images.layers (key, media_type, digest, size, contents)
            VALUES (\(key), \(layer.descriptor.mediaType), \(layer.descriptor.digest.bytes), \(layer.descriptor.size),
                \(layer.contents.bytes))
            ON CONFLICT (key) DO UPDATE SET media_type = excluded.media_type, digest = excluded.digest,
                size = excluded.size, contents = excluded.contents, used = now()
            """)
    }
}

/// Locks by everything that decided them, in the database, for all builders.
public struct LockRecords: LockMemory {
    private let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    public func find(_ key: String) async throws -> EnvironmentLock? {
        try LockRecords.lock(
            try await pool.query(
                "UPDATE images.locks SET used = now() WHERE key = \(key) RETURNING lock, uses_base_python"))
    }

    public func keep(_ key: String, _ lock: EnvironmentLock) async throws -> EnvironmentLock {
        let rows = try await pool.query(
            """
            INSERT INTO images.locks AS l (key, lock, uses_base_python)
            VALUES (\(key), \(Slipway.Images.V1.EnvironmentLock(lock).serialized()), \(lock.usesBase))
            ON CONFLICT (key) DO UPDATE SET used = now() RETURNING l.lock, l.uses_base_python
            """)
        return try LockRecords.lock(rows) ?? lock
    }

    private static func lock(_ rows: PostgresRows) throws -> EnvironmentLock? {
        guard let (bytes, usesBase) = try rows.all(([UInt8], Bool).self).first else { return nil }
        return try EnvironmentLock(.init(serialized: bytes), usesBase: usesBase)
    }
}
