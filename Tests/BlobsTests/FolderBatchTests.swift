import Blobs
import Glibc
import Loop
import Testing

@Suite("batches of a folder's blob store under faults")
struct FolderBatchTests {
    private static let count: UInt64 = 100

    private func withStore(_ path: String, _ body: (FolderBlobStore) async throws -> Void) async throws {
        let pool = ComputePool(threads: 2)
        try pool.start()
        defer { pool.stop() }
        try await body(try await FolderBlobStore.open(path, pool: pool))
    }

    private func contents(from seed: UInt64, size: Int) throws -> [BlobContent] {
        try (seed..<seed + FolderBatchTests.count).map { seed in
            let bytes = content(seed: seed, size: size)
            return BlobContent(digest: try BlobHasher.digest(bytes), bytes: bytes[...])
        }
    }

    @Test("a batch for which the disk has no room leaves nothing behind", .enabled(if: geteuid() == 0))
    func fullDisk() async throws {
        try await withFolder { path in
            guard mount("tmpfs", path, "tmpfs", 0, "size=4m") == 0 else { return }
            defer { umount(path) }
            try await withStore(path) { store in
                let (large, small) = (try contents(from: 1, size: 100_000), try contents(from: 1, size: 10_000))
                let error = await failure { _ = try await store.putAll(large) }
                #expect(error?.code == .outOfSpace && error?.number == ENOSPC)
                #expect(try await store.list(after: nil, limit: 10).isEmpty)
                #expect(try await store.collect(olderThan: .zero) { Set($0) }.removedUploads == 0)
                #expect(try await store.putAll(small).count == 100)
            }
        }
    }

    @Test(
        "a disk that fails to keep a batch makes the put fail, and what is seen of it is whole",
        .enabled(if: FolderFaultTests.canInject),
        arguments: [
            "syncfs:error=EIO:when=1", "syncfs:error=EIO:when=2", "pwrite64:error=EIO:when=7",
            "rename:error=EIO:when=9",
        ])
    func inputOutputError(_ injection: String) async throws {
        try await withFolder { path in
            try await withStore(path) { _ in }
            let call = injection.prefix { $0 != ":" }
            let child = try Child([
                "strace", "-f", "-o", "/dev/null", "-e", "trace=\(call)", "-e", "inject=\(injection)", putter, path,
                "5", "1000", "batch", "\(FolderBatchTests.count)",
            ])
            let lines = child.rest()
            #expect(lines.last?.hasPrefix("failed") == true, "\(lines)")
            #expect(child.wait() == 3)
            try await withStore(path) { store in
                // Without their bytes on the disk no name was given.
                if !injection.hasPrefix("rename"), !injection.hasSuffix("when=2") {
                    #expect(try await store.list(after: nil, limit: 10).isEmpty)
                }
                #expect(try await store.scrub(after: nil, limit: 1000).damaged.isEmpty)
                #expect(try await store.collect(olderThan: .zero) { Set($0) }.removedUploads == 0)
                let again = try contents(from: 5, size: 1000)
                #expect(try await store.putAll(again).count == 100)
            }
        }
    }

    @Test("a batch killed at 40 random points leaves whole blobs or none, and what it left is removed")
    func killed() async throws {
        let seed = getenv("SLIPWAY_TEST_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 1...9999)
        var state = seed
        func random(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        try await withFolder { path in
            try await withStore(path) { store in
                // How long a whole one takes here and now is where the points lie.
                let whole = try Child([putter, path, "1000000", "500", "batch", "\(FolderBatchTests.count)"])
                _ = whole.line()
                let start = ContinuousClock.now
                #expect(whole.rest() == ["done 100"] && whole.wait() == 0)
                let microseconds = max(1000, min((ContinuousClock.now - start) / .microseconds(1), 500_000))
                var abandoned = 0
                for round in 0..<UInt64(40) {
                    let first = round * FolderBatchTests.count
                    let child = try Child([putter, path, "\(first)", "500", "batch", "\(FolderBatchTests.count)"])
                    #expect(child.line() == "begins", "seed \(seed), round \(round)")
                    usleep(UInt32(random(UInt64(microseconds * 1.2))))
                    kill(child.process, SIGKILL)
                    _ = child.rest()
                    child.wait()
                    let batch = try contents(from: first, size: 500)
                    let found = try await store.stat(batch.map(\.digest))
                    #expect(found.allSatisfy { $0.size == 500 }, "seed \(seed), round \(round)")
                    abandoned += try await store.collect(olderThan: .zero) { Set($0) }.removedUploads
                    #expect(try await store.putAll(batch).count == batch.count)
                }
                #expect(abandoned > 0, "no batch was killed in its middle: seed \(seed)")
                let report = try await store.scrub(after: nil, limit: 20_000)
                #expect(
                    report.examined == 4100 && report.damaged.isEmpty && report.unreadable.isEmpty, "seed \(seed)")
                #expect(try await store.collect(olderThan: .zero) { Set($0) }.removedUploads == 0)
            }
        }
    }
}
