import Blobs
import Glibc
import Loop
import Testing

@Suite("a folder's blob store under faults")
struct FolderFaultTests {
    func withStore(_ path: String, _ body: (FolderBlobStore) async throws -> Void) async throws {
        let pool = ComputePool(threads: 2)
        try pool.start()
        defer { pool.stop() }
        try await body(try await FolderBlobStore.open(path, pool: pool))
    }

    @Test("many that open a new folder in the same moment all find one store")
    func openedAtOnce() async throws {
        let pool = ComputePool(threads: 4)
        try pool.start()
        defer { pool.stop() }
        for _ in 0..<20 {
            try await withFolder { path in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 { group.addTask { _ = try await FolderBlobStore.open("\(path)/new", pool: pool) } }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("a folder that holds something else is refused")
    func foreignFolder() async throws {
        try await withFolder { path in
            close(open("\(path)/letters", O_CREAT | O_WRONLY, 0o600))
            #expect(await failure { try await withStore(path) { _ in } }?.code == .badStore)
        }
    }

    @Test("a damaged blob is found, taken out, and can be put again")
    func damage() async throws {
        try await withFolder { path in
            try await withStore(path) { store in
                let bytes = content(seed: 9, size: 100_000)
                let digest = try await store.put(bytes).info.digest
                _ = try await store.put([1, 2, 3])
                let file = "\(path)/blobs/\(digest.hexadecimal.prefix(2))/\(digest.hexadecimal)"
                chmod(file, 0o600)
                let descriptor = open(file, O_WRONLY)
                var byte = ~bytes[5000]
                #expect(pwrite(descriptor, &byte, 1, 5000) == 1)
                close(descriptor)
                let error = await failure {
                    try await store.withBlob(digest) { reader in
                        for try await _ in reader.verifiedChunks(of: 10_000) {}
                    }
                }
                #expect(error?.code == .corrupt)
                let report = try await store.scrub(after: nil, limit: 100)
                #expect(report.damaged == [digest] && report.examined == 2 && report.next == nil)
                #expect(try await store.stat(digest) == nil)
                _ = try await store.put(bytes, expecting: digest)
                #expect(try await store.scrub(after: nil, limit: 100).damaged.isEmpty)
            }
        }
    }

    @Test("what the machine had not written when it stopped is asked for again")
    func otherBoot() async throws {
        try await withFolder { path in
            try await withStore(path) { store in
                let bytes = content(seed: 10, size: 10_000)
                let upload = try await store.beginUpload()
                try await upload.append(bytes[..<4000], at: 0)
                try await upload.suspend()
                let again = try await store.resumeUpload(upload.id)
                try await again.append(bytes[4000..<9000], at: 4000)
                // Noted as durable are 4000 bytes, by another run of the kernel.
                let folder = "\(path)/uploads/\(upload.id)"
                let note = open("\(folder)/durable", O_WRONLY | O_TRUNC)
                let text = Array("4000\n00000000-0000-0000-0000-000000000000\n".utf8)
                #expect(write(note, text, text.count) == text.count)
                close(note)
                let copy = BlobUploadID()
                #expect(rename(folder, "\(path)/uploads/\(copy)") == 0)
                #expect(await failure { try await again.suspend() } != nil)
                let third = try await store.resumeUpload(copy)
                #expect(third.offset == 4000)
                try await third.append(bytes[4000...], at: 4000)
                _ = try await third.finish(expecting: try BlobHasher.digest(bytes))
            }
        }
    }

    @Test("a full disk is an error of its own; with room again the upload goes on", .enabled(if: geteuid() == 0))
    func fullDisk() async throws {
        try await withFolder { path in
            guard mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0 else { return }
            defer { umount(path) }
            try await withStore(path) { store in
                let ballast = try await store.put(content(seed: 11, size: 500_000))
                let bytes = content(seed: 12, size: 600_000)
                let upload = try await store.beginUpload()
                try await upload.append(bytes[..<300_000], at: 0)
                let error = await failure { try await upload.append(bytes[300_000...], at: 300_000) }
                #expect(error?.code == .outOfSpace && error?.number == ENOSPC)
                #expect(upload.offset == 300_000)
                ballast.release()
                #expect(try await store.collect(olderThan: .zero) { _ in [] }.removed.count == 1)
                try await upload.append(bytes[300_000...], at: 300_000)
                let pin = try await upload.finish(expecting: try BlobHasher.digest(bytes))
                pin.release()
                #expect(
                    await failure { _ = try await store.put(content(seed: 13, size: 2_000_000)) }?.code == .outOfSpace)
                #expect(try await store.scrub(after: nil, limit: 10).damaged.isEmpty)
                #expect(try await store.collect(olderThan: .zero) { _ in [] }.removedUploads == 0)
            }
        }
    }

    /// True where strace can follow a child, which containers often forbid.
    static let canInject: Bool = {
        guard let child = try? Child(["strace", "-o", "/dev/null", "/bin/true"]) else { return false }
        _ = child.rest()
        return child.wait() == 0
    }()

    @Test(
        "a disk that fails to keep what was written makes the put fail, and the upload is not resumed",
        .enabled(if: canInject),
        arguments: ["fsync:error=EIO:when=6+", "pwrite64:error=EIO:when=3", "rename:error=EIO:when=2+"])
    func inputOutputError(_ injection: String) async throws {
        try await withFolder { path in
            try await withStore(path) { _ in }
            let call = injection.prefix { $0 != ":" }
            let child = try Child([
                "strace", "-f", "-o", "/dev/null", "-e", "trace=\(call)", "-e", "inject=\(injection)", putter, path,
                "5", "100000", "50000",
            ])
            let lines = child.rest()
            #expect(lines.last?.hasPrefix("failed") == true, "\(lines)")
            #expect(child.wait() == 3)
            try await withStore(path) { store in
                #expect(try await store.list(after: nil, limit: 10).isEmpty)
                _ = try await store.put(content(seed: 5, size: 100_000))
                #expect(try await store.scrub(after: nil, limit: 10).damaged.isEmpty)
            }
        }
    }

    @Test("a put killed at 200 random points resumes or is cleanly absent; the store verifies")
    func killed() async throws {
        let seed = getenv("SLIPWAY_TEST_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 1...9999)
        var state = seed
        func random(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        try await withFolder { path in
            var outcomes = [0, 0, 0]
            for round in 0..<200 {
                let size = 400_000
                let child = try Child([putter, path, "\(round)", "\(size)", "50000"])
                var id: BlobUploadID?
                // The ninth line says that the whole is written; the tenth would say that it is a blob.
                for _ in 0..<random(10) {
                    guard let line = child.line() else { break }
                    if line.hasPrefix("id ") { id = BlobUploadID(line.dropFirst(3)) }
                }
                usleep(UInt32(random(3000)))
                kill(child.process, SIGKILL)
                for line in child.rest() where line.hasPrefix("id ") { id = BlobUploadID(line.dropFirst(3)) }
                child.wait()
                let bytes = content(seed: UInt64(round), size: size)
                let digest = try BlobHasher.digest(bytes)
                try await withStore(path) { store in
                    if try await store.stat(digest) != nil {
                        outcomes[0] += 1
                        let found = try await store.withBlob(digest) { try await $0.verifiedBytes(upTo: size) }
                        #expect(found == bytes, "seed \(seed), round \(round)")
                    } else if let id {
                        outcomes[1] += 1
                        let upload = try await store.resumeUpload(id)
                        let offset = upload.offset
                        #expect(offset <= size, "seed \(seed), round \(round)")
                        try await upload.append(bytes[Int(offset)...], at: offset)
                        _ = try await upload.finish(expecting: digest)
                    } else {
                        outcomes[2] += 1
                        _ = try await store.put(bytes, expecting: digest)
                    }
                }
            }
            #expect(outcomes.allSatisfy { $0 > 0 }, "the points were not spread: \(outcomes), seed \(seed)")
            try await withStore(path) { store in
                let report = try await store.scrub(after: nil, limit: 1000)
                #expect(report.examined == 200 && report.damaged.isEmpty && report.unreadable.isEmpty, "seed \(seed)")
                let collected = try await store.collect(olderThan: .zero) { Set($0) }
                #expect(collected.removed.isEmpty)
                #expect(try await store.collect(olderThan: .zero) { Set($0) }.removedUploads == 0)
            }
        }
    }
}
