import Contracts
import Loop
import ServiceKit
import Testing

@testable import Blobs
@testable import Postgres
@testable import RegistryCore

@Suite("the keeper of files", .timeLimit(.minutes(3))) struct KeeperTests {
    private func atOnce() -> FileSettings {
        var settings = FileSettings()
        settings.keep = .zero
        return settings
    }

    @Test("what versions of any workspace name stays; the rest goes, and so do uploads that were abandoned")
    func references() async throws {
        try await withFiles { harness in
            try await harness.register("churn", [("a", [1]), ("b", [2])])
            try await harness.register("churn", [("a", [3])], in: harness.fixture.attic)
            let half = content(1000, seed: 1)
            let abandoned = try await harness.client().beginUpload(try begin(half)).id
            try await harness.send(Array(half[..<500]), to: abandoned)
            let loose = content(1000, seed: 2)
            let done = try await harness.client().beginUpload(try begin(loose)).id
            try await harness.send(loose, to: done)
            // A day has not passed.
            #expect(try await harness.keeper().collect()?.uploads == 0)
            #expect(try await harness.client().beginUpload(try begin(loose)).done)
            // Kept for no time, but named by the row of a done upload while that is there.
            var report = try await #require(harness.keeper(atOnce()).collect())
            #expect(report.uploads == 2 && report.blobs.removedUploads == 1)
            #expect(report.blobs.removed == [try BlobHasher.digest(loose)] && report.blobs.removedBytes == 1000)
            #expect(try await harness.download(V1.DownloadRequest(version: "churn/1", path: "b")) == [2])
            #expect(
                try await harness.download(V1.DownloadRequest(version: "churn/1", path: "a"), workspace: "attic") == [3]
            )
            try await harness.purge("churn", 1)
            report = try await #require(harness.keeper(atOnce()).collect())
            #expect(report.blobs.removed.count == 3)
            #expect(harness.metrics.removedBlobs.value == 4 && harness.metrics.removedUploads.value == 1)
        }
    }

    @Test("the row of a done upload keeps its blob, and one that is pinned stays though nothing names it")
    func held() async throws {
        try await withFiles { harness in
            let bytes = content(1000, seed: 3)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            try await harness.send(bytes, to: id)
            let digest = try BlobHasher.digest(bytes)
            let catalogue = FileCatalogue(pool: harness.fixture.pool)
            let named = try await harness.store.collect(olderThan: .zero) { try await catalogue.referenced($0) }
            #expect(named.removed == [] && named.examined == 1)
            let pin = try await harness.store.pin(digest)
            let report = try await #require(harness.keeper(atOnce()).collect())
            #expect(report.uploads == 1 && report.blobs.removed == [] && report.blobs.held == 1)
            // Registered by whoever pinned it.
            try await harness.register("churn", [FileEntry(path: "a", digest: digest, size: 1000)])
            pin.release()
            #expect(try await harness.keeper(atOnce()).collect()?.blobs.removed == [])
            #expect(try await harness.download(V1.DownloadRequest(version: "churn/1", path: "a")) == bytes)
        }
    }

    @Test("a blob that is pinned, named and let go between the question and the removal stays")
    func race() async throws {
        try await withFiles { harness in
            let bytes = content(1000, seed: 4)
            let digest = try await harness.store.put(bytes).info.digest
            let catalogue = FileCatalogue(pool: harness.fixture.pool)
            let report = try await harness.store.collect(olderThan: .zero) { asked in
                let referenced = try await catalogue.referenced(asked)
                let pin = try await harness.store.pin(digest)
                try await harness.register("churn", [FileEntry(path: "a", digest: digest, size: 1000)])
                pin.release()
                return referenced
            }
            #expect(report.removed == [] && report.held == 1)
            #expect(try await harness.download(V1.DownloadRequest(version: "churn/1", path: "a")) == bytes)
        }
    }

    @Test("an upload whose row went while it was written is done all the same")
    func rowGone() async throws {
        try await withFiles { harness in
            let bytes = content(2 << 20, seed: 5)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            let gate = Gate()
            async let writing = harness.client().appendUpload { writer in
                try await writer.write(V1.AppendUploadRequest(id: id, data: bytes[..<(1 << 20)]))
                await gate.wait()
                try await writer.write(V1.AppendUploadRequest(data: bytes[(1 << 20)...]))
            }
            while harness.service.uploads.open.writerCount == 0 { await Task.yield() }
            let report = try await #require(harness.keeper(atOnce()).collect())
            #expect(report.uploads == 1 && report.blobs.removedUploads == 0)
            gate.open()
            #expect(try await writing.done)
            #expect(try await harness.client().beginUpload(try begin(bytes)).done)
        }
    }

    @Test("remembered requests go when they are old")
    func requests() async throws {
        try await withFiles { harness in
            try await harness.register("churn", [("a", [1])])
            try await harness.fixture.pool.execute(
                """
                INSERT INTO registry.requests (workspace, request, digest, version, at)
                SELECT workspace, given.request, ''::bytea, id, now() - given.age FROM registry.versions, (VALUES
                    ('old', interval '25 hours'), ('young', interval '23 hours')) AS given (request, age)
                """)
            #expect(try await harness.keeper().collect()?.requests == 1)
            let left = try await harness.fixture.pool.read("SELECT request FROM registry.requests").all(String.self)
            #expect(left == ["young"])
        }
    }

    @Test("one instance at a time collects")
    func alone() async throws {
        try await withFiles { harness in
            try await harness.fixture.pool.withConnection { connection in
                try await connection.execute(
                    "SELECT pg_advisory_lock(hashtextextended('slipway registry files', 0))")
                #expect(try await harness.keeper().collect() == nil)
                try await connection.execute(
                    "SELECT pg_advisory_unlock(hashtextextended('slipway registry files', 0))")
            }
            #expect(try await harness.keeper().collect() != nil)
            #expect(harness.metrics.collections.with("skipped").value == 1)
        }
    }

    @Test("it collects when the interval has passed, and stops when it is asked to")
    func service() async throws {
        try await withFiles { harness in
            let clock = ManualClock()
            let loops = try LoopGroup(count: 1, name: "keeper", clock: clock)
            try loops.start()
            defer { loops.stop() }
            let keeper = harness.keeper(loop: loops.loops[0])
            let stop = StopSignal()
            let run = Task { try await StopSignal.$current.withValue(stop) { try await keeper.run() } }
            let collections = harness.metrics.collections.with("done")
            for round in 1...2 {
                // It may not sleep yet when the clock moves.
                while collections.value < round {
                    clock.advance(by: FileSettings().collectionInterval)
                    await Task.yield()
                }
            }
            stop.request()
            try await run.value
        }
    }
}
