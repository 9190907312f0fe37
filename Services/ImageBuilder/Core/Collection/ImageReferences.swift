internal import Blobs
internal import Contracts
internal import Postgres

/// What the tables say of blobs.
struct ImageReferences: Sendable {
    let pool: PostgresPool

    /// The files of packages that remembered locks name: the next build of the same environment wants them.
    func lockedFiles() async throws -> Set<BlobDigest> {
        var files: Set<BlobDigest> = []
        try await pool.stream("SELECT lock FROM images.locks") { rows in
            for try await row in rows {
                let lock = try Slipway.Images.V1.EnvironmentLock(
                    serialized: try row.decode("lock", as: [UInt8].self)[...])
                for package in lock.packages {
                    if let digest = BlobDigest(package.hash_) { files.insert(digest) }
                }
            }
        }
        return files
    }

    /// Which of these an image has (also one that is deleted and kept), a source tree, a remembered layer, or a build that
    /// is not at its end.
    func named(_ digests: [BlobDigest]) async throws -> Set<BlobDigest> {
        let found = try await pool.query(
            """
            SELECT d.digest FROM unnest(\(digests.map(\.bytes))) AS d (digest)
            WHERE EXISTS (SELECT FROM images.image_blobs AS b WHERE b.digest = d.digest)
            OR EXISTS (SELECT FROM images.source_files AS f WHERE f.digest = d.digest)
            OR EXISTS (SELECT FROM images.layers AS l WHERE l.digest = d.digest)
            OR EXISTS (SELECT FROM images.build_blobs AS b JOIN activities.activities AS a ON a.id = b.build
                WHERE b.digest = d.digest AND a.state IN ('pending', 'running', 'cancelling'))
            """)
        // An answer that can't be read is no answer: whatever it does not name is removed.
        return Set(
            try found.all([UInt8].self).map { bytes in
                guard let digest = BlobDigest(bytes: bytes) else {
                    throw PostgresError(.usage, "a digest of \(bytes.count) bytes")
                }
                return digest
            })
    }

    /// Forgets what was only remembered.
    func forgetLayers(unusedFor age: Duration) async throws -> Int {
        let layers = try await pool.execute(
            "DELETE FROM images.layers WHERE used <= now() - make_interval(secs => \(age.inSeconds))")
        let locks = try await pool.execute(
            "DELETE FROM images.locks WHERE used <= now() - make_interval(secs => \(age.inSeconds))")
        return layers + locks
    }

    /// Forgets what builds held that are at their end (a build's row and its activity's are written together; one whose use
    /// of models was not taken back yet stays, because its row is how `UseReporter` finds that out), and then source trees
    /// that nobody took up for so long and that no image and no build names.
    func forgetSources(unusedFor age: Duration) async throws -> Int {
        try await pool.execute(
            """
            DELETE FROM images.builds AS b WHERE b.begun <= now() - make_interval(secs => \(age.inSeconds))
            AND NOT EXISTS (SELECT FROM activities.activities AS a
                WHERE a.id = b.id AND a.state IN ('pending', 'running', 'cancelling'))
            AND NOT EXISTS (SELECT FROM images.reports AS r WHERE r.build = b.id AND r.versions <> '{}')
            """)
        return try await pool.transaction { transaction in
            // Locked first and looked at then: a build that takes one up in between has moved its time, or waits here and
            // finds it gone.
            let idle = try await transaction.query(
                """
                SELECT id FROM images.sources WHERE touched <= now() - make_interval(secs => \(age.inSeconds))
                ORDER BY id LIMIT 10000 FOR UPDATE SKIP LOCKED
                """
            ).all(Int64.self)
            return try await transaction.execute(
                """
                DELETE FROM images.sources AS s WHERE s.id = ANY(\(idle))
                AND NOT EXISTS (SELECT FROM images.image_sources AS i WHERE i.source = s.id)
                AND NOT EXISTS (SELECT FROM images.build_sources AS b WHERE b.source = s.id)
                """)
        }
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
