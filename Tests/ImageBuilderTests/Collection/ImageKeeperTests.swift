import Contracts
import Loop
import OCI
import Testing

@testable import Access
@testable import Activities
@testable import Blobs
@testable import ImageBuilderCore
@testable import Journal
@testable import Postgres

@Suite("what the image keeper takes, and what it leaves", .timeLimit(.minutes(5))) struct ImageKeeperTests {
    /// Nothing is too young to be looked at.
    private static var greedy: CollectionSettings {
        var settings = CollectionSettings()
        settings.blobs = .zero
        return settings
    }

    @Test("what an image needs stays, and what nothing names goes")
    func orphans() async throws {
        try await withImages { fixture in
            try await fixture.record("churn", [fixture.layer([("m", "1")]), fixture.layer([("s", "2")])])
            let needed = try await fixture.held()
            for number in 0..<50 { try await fixture.blobs.put(Array("orphan \(number)".utf8)).release() }
            let report = try #require(try await fixture.collector(Self.greedy).collect())
            #expect(report.blobs.removed.count == 50)
            #expect(try await fixture.held() == needed)
            #expect(try await fixture.collector(Self.greedy).collect()?.blobs.removed == [])
        }
    }

    @Test("an orphan stays while it is young")
    func young() async throws {
        try await withImages { fixture in
            try await fixture.blobs.put([1, 2, 3]).release()
            #expect(try await fixture.collector().collect()?.blobs.removed == [])
        }
    }

    @Test("a deleted image stays whole until its time is over, and goes then, with a row in the journal")
    func purge() async throws {
        try await withImages { fixture in
            let shared = try await fixture.layer([("s", "shared")])
            let old = try await fixture.layer([("m", "old")])
            let image = try await fixture.record("churn", [shared, old])
            let kept = try await fixture.record("churn", [shared, fixture.layer([("m", "new")])])
            try await fixture.delete(image, secondsAgo: 7 * 86_400 - 600)
            let before = try await fixture.held()
            let first = try #require(try await fixture.collector(Self.greedy).collect())
            #expect(first.images == 0)
            #expect(try await fixture.held() == before)
            try await fixture.delete(image, secondsAgo: 7 * 86_400 + 1)
            let second = try #require(try await fixture.collector(Self.greedy).collect())
            #expect(second.images == 1)
            // Manifest, configuration and its own layer; the layer that the other image has stays.
            #expect(second.blobs.removed.count == 3)
            let held = try await fixture.held()
            #expect(held.contains(try #require(BlobDigest(shared.digest))) && held.contains(kept.digest))
            let entries = try await fixture.pool.query(
                "SELECT subject, workspace, actor FROM journal.entries WHERE action = 'image.purged'"
            ).all((String, String?, String).self)
            #expect(entries.count == 1 && entries[0] == ("images/churn:1", "lab", "system:image-keeper"))
        }
    }

    @Test("a deleted image that somebody uses after all is not purged")
    func used() async throws {
        try await withImages { fixture in
            let image = try await fixture.record("churn", [fixture.layer([("m", "1")])])
            try await fixture.delete(image, secondsAgo: 30 * 86_400)
            try await fixture.pool.execute(
                """
                WITH u AS (INSERT INTO images.users (workspace, "user", generation, reported_by)
                    VALUES (\(PostgresUUID(fixture.lab.id)), 'deployments/churn', 1, 'deployment:churn'))
                SELECT 1
                """)
            try await fixture.pool.execute(
                """
                INSERT INTO images.uses (workspace, "user", image)
                VALUES (\(PostgresUUID(fixture.lab.id)), 'deployments/churn', \(image.id))
                """)
            #expect(try await fixture.collector(Self.greedy).collect()?.images == 0)
            #expect(try await fixture.held().contains(image.digest))
        }
    }

    @Test("more deleted images than one transaction takes all go")
    func many() async throws {
        try await withImages { fixture in
            let layer = try await fixture.layer([("m", "1")])
            for _ in 0..<105 { try await fixture.record("churn", [layer]) }
            try await fixture.pool.execute("UPDATE images.images SET deleted = now() - interval '8 days'")
            let report = try #require(try await fixture.collector(Self.greedy).collect())
            #expect(report.images == 105)
            #expect(try await fixture.held() == [])
        }
    }

    @Test("a pull, a push and a build that are under way keep what they hold, though nothing names it any more")
    func held() async throws {
        try await withImages { fixture in
            let image = try await fixture.record(
                "churn", [fixture.layer([("m", "1")]), fixture.layer([("s", "2")])])
            // As a push and an export hold it.
            let parts = try await ImageParts(of: image, in: fixture.blobs)
            try await fixture.pool.execute("DELETE FROM images.images")
            let before = try await fixture.held()
            let report = try #require(try await fixture.collector(Self.greedy).collect())
            #expect(report.blobs.removed == [] && report.blobs.held == 4)
            #expect(try await fixture.held() == before)
            withExtendedLifetime(parts) {}
            // As a pull does.
            let reader = try await fixture.blobs.open(parts.manifest.layers[0].digest)
            _ = try await fixture.collector(Self.greedy).collect()
            #expect(try await fixture.held().contains(parts.manifest.layers[0].digest))
            reader.release()
        }
    }

    @Test("what a build holds by its rows stays until its activity is at its end")
    func builds() async throws {
        try await withImages { fixture in
            let blob = try await fixture.blobs.put(Array("layer of a build that was killed".utf8))
            let digest = blob.info.digest
            blob.release()
            let activities = Activities(fixture.pool, loop: fixture.loops.loops[0])
            let activity = try await activities.start(
                ActivityRequest(kind: "image.build", subject: "images/churn", workspace: "lab", actor: "person:ada"))
            try await fixture.pool.execute(
                "INSERT INTO images.builds (id, workspace, begun) VALUES (\(activity.id), \(PostgresUUID(fixture.lab.id)), now() - interval '9 days')"
            )
            try await fixture.pool.execute(
                "INSERT INTO images.build_blobs (build, digest) VALUES (\(activity.id), \(digest.bytes))")
            _ = try await fixture.collector(Self.greedy).collect()
            #expect(try await fixture.held() == [digest])
            try await fixture.pool.execute(
                "UPDATE activities.activities SET state = 'failed', finished_at = now() WHERE id = \(activity.id)")
            _ = try await fixture.collector(Self.greedy).collect()
            #expect(try await fixture.held() == [])
        }
    }

    @Test("a build whose use of models was not taken back yet is not forgotten, or nobody would ever take it back")
    func reports() async throws {
        try await withImages { fixture in
            let build = PostgresUUID.random()
            let lab = PostgresUUID(fixture.lab.id)
            // A day ago every builder was killed.
            try await fixture.pool.execute(
                """
                INSERT INTO images.builds (id, workspace, begun) VALUES (\(build), \(lab), now() - interval '2 days')
                """)
            try await fixture.pool.execute(
                """
                INSERT INTO images.reports (workspace, workspace_name, "user", principal, versions, generation, build)
                VALUES (\(lab), 'lab', 'images/churn:build', \(lab), '{churn:1}', 1, \(build))
                """)
            let builds = PostgresQuery("SELECT count(*) FROM images.builds")
            _ = try await fixture.collector(Self.greedy).collect()
            #expect(try await fixture.pool.query(builds).all(Int64.self) == [1])
            try await fixture.pool.execute("UPDATE images.reports SET versions = '{}'")
            _ = try await fixture.collector(Self.greedy).collect()
            #expect(try await fixture.pool.query(builds).all(Int64.self) == [0])
        }
    }

    @Test("remembered layers, their locks' files and source trees stay while they are used, and are forgotten then")
    func memories() async throws {
        try await withImages { fixture in
            var digests: [BlobDigest] = []
            for text in ["layer", "wheel", "tree", "tree of an image"] {
                let pin = try await fixture.blobs.put(Array(text.utf8))
                digests.append(pin.info.digest)
                pin.release()
            }
            let lock = Slipway.Images.V1.EnvironmentLock(packages: [
                Slipway.Images.V1.LockedPackage(name: "numpy", hash_: "\(digests[1])")
            ])
            try await fixture.pool.execute(
                """
                INSERT INTO images.layers (key, media_type, digest, size, contents)
                VALUES ('k', 'm', \(digests[0].bytes), 5, \(digests[0].bytes))
                """)
            try await fixture.pool.execute(
                "INSERT INTO images.locks (key, lock, uses_base_python) VALUES ('k', \(lock.serialized()), false)")
            for (index, name) in [(2, "one"), (3, "two")] {
                try await fixture.pool.execute(
                    """
                    WITH s AS (INSERT INTO images.sources (workspace, digest, size, file_count)
                        VALUES (\(PostgresUUID(fixture.lab.id)), \(digests[index].bytes), 1, 1) RETURNING id)
                    INSERT INTO images.source_files (source, path, digest, size, executable)
                    SELECT id, \(name), \(digests[index].bytes), 1, false FROM s
                    """)
            }
            let image = try await fixture.record("churn", [])
            try await fixture.pool.execute(
                """
                INSERT INTO images.image_sources (image, source)
                SELECT \(image.id), source FROM images.source_files WHERE path = 'two'
                """)
            let report = try #require(try await fixture.collector(Self.greedy).collect())
            #expect(report.memories == 0 && report.sources == 0 && report.blobs.removed == [])
            try await fixture.pool.execute("UPDATE images.layers SET used = now() - interval '31 days'")
            try await fixture.pool.execute("UPDATE images.locks SET used = now() - interval '31 days'")
            try await fixture.pool.execute("UPDATE images.sources SET touched = now() - interval '2 days'")
            let second = try #require(try await fixture.collector(Self.greedy).collect())
            #expect(second.memories == 2 && second.sources == 1)
            #expect(Set(second.blobs.removed) == Set(digests[0...2]))
        }
    }

    @Test("a layer that a build takes up between the question and the answer is not taken")
    func crossing() async throws {
        try await withImages { fixture in
            let pin = try await fixture.blobs.put(Array("a layer that was remembered".utf8))
            let digest = pin.info.digest
            pin.release()
            let report = try await fixture.blobs.collect(olderThan: .zero) { digests in
                // The tables don't know it: nothing is said to be kept. Meanwhile a build pins it, commits an image that
                // names it, and lets go.
                let named = try await ImageReferences(pool: fixture.pool).named(digests)
                #expect(named == [])
                try await fixture.blobs.pin(digest).release()
                return named
            }
            #expect(report.removed == [] && report.held == 1)
            #expect(try await fixture.held() == [digest])
        }
    }

    @Test("of two collectors one is at it")
    func alone() async throws {
        try await withImages { fixture in
            let second = try await fixture.pool.alone("slipway image files") {
                try await fixture.collector(Self.greedy).collect()
            }
            // The inner one found the outer at it.
            #expect(second == .some(nil))
            #expect(try await fixture.collector(Self.greedy).collect() != nil)
        }
    }

    @Test("an image that is restored in the same moment stays, or is gone for who restores it, and never half")
    func restoring() async throws {
        try await withImages { fixture in
            for round in 0..<20 {
                let image = try await fixture.record("churn\(round)", [fixture.layer([("m", "\(round)")])])
                try await fixture.delete(image, secondsAgo: 8 * 86_400)
                async let collected = fixture.collector(Self.greedy).collect()
                async let restored = fixture.pool.execute(
                    "UPDATE images.images SET deleted = NULL WHERE id = \(image.id)")
                let (count, _) = try await (restored, collected)
                #expect(try await fixture.held().contains(image.digest) == (count == 1), "round \(round)")
            }
        }
    }
}
