import Contracts
import Loop
import RPC
import TestKit
import Testing

@testable import Blobs
@testable import RegistryCore

private func whole(_ bytes: [UInt8]) throws -> V1.WholeFile {
    V1.WholeFile(digest: try BlobHasher.digest(bytes).description, data: bytes[...])
}

@Suite("small files by the hundred", .timeLimit(.minutes(3))) struct BatchTests {
    @Test("what one call brings is there, also what was there before, and another workspace has none of it")
    func together() async throws {
        try await withFolder { folder in
            let pool = ComputePool(threads: 2)
            try pool.start()
            defer { pool.stop() }
            try await withFiles(store: try await FolderBlobStore.open(folder, pool: pool)) { harness in
                var contents = (0..<200).map { content($0 % 100, seed: UInt64($0)) }
                contents.append(contents[7])
                let first = try contents.prefix(50).map(whole)
                _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: first))
                let all = try contents.map(whole)
                for _ in 0..<2 { _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: all)) }
                let asked = V1.FindMissingRequest(files: all.map { V1.ModelFile(digest: $0.digest) })
                #expect(try await harness.client().findMissing(asked).digests == [])
                #expect(
                    try await harness.client("attic").findMissing(asked).digests.count == Set(all.map(\.digest)).count)
                for bytes in contents {
                    let digest = try BlobHasher.digest(bytes)
                    #expect(try await harness.store.withBlob(digest) { try await $0.verifiedBytes(upTo: 100) } == bytes)
                }
                // An upload of the same bytes that was begun is done with them.
                let large = content(3000, seed: 1000)
                #expect(try await !harness.client().beginUpload(try begin(large)).done)
                _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: [try whole(large)]))
                #expect(try await harness.client().beginUpload(try begin(large)).done)
                #expect(try await harness.client().uploadFiles(V1.UploadFilesRequest()) == V1.UploadFilesResponse())
                #expect(harness.service.uploads.open.writerCount == 0)
            }
        }
    }

    @Test("a batch that is wrong is refused with what is wrong, and none of it is kept")
    func refusals() async throws {
        var settings = FileSettings()
        settings.sizeLimit.bytes = 3_000_000
        try await withFiles(settings) { harness in
            func check(_ code: RPCCode, _ message: String, _ files: [V1.WholeFile]) async {
                let error = await failure {
                    _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: files))
                }
                #expect(error?.code == code, "\(message)")
                #expect(error?.message == message)
            }
            let good = try whole([1])
            let many = try (0..<257).map { try whole([UInt8($0 % 256), UInt8($0 / 256)]) }
            await check(.invalidArgument, "files: 257 files; one call brings at most 256", many)
            let halves = [try whole(content(2_500_000, seed: 1)), try whole(content(2_500_000, seed: 2))]
            await check(
                .invalidArgument,
                "files: 5000000 bytes together; one call brings at most 4194304. Use BeginUpload for larger files",
                halves)
            await check(
                .invalidArgument, "size_bytes: 3000001 bytes; a file may have at most 3000000",
                [good, try whole(content(3_000_001, seed: 3))])
            await check(
                .invalidArgument,
                "files[1].digest: \"x\" is no digest: that is sha256: and 64 hexadecimal digits, a–f small",
                [good, V1.WholeFile(digest: "x")])
            let other = try BlobHasher.digest([2])
            await check(
                .dataLoss, "what came as files[1] is not \(other); none of the call's files is kept",
                [good, V1.WholeFile(digest: "\(other)", data: [3])])
            #expect(harness.fixture.blobs.state.withLock { ($0.blobs.count, $0.uploads.count) } == (0, 0))
            #expect(
                try await harness.fixture.pool.read("SELECT count(*) FROM registry.uploads").all(Int.self) == [0])
            let reader = try await harness.fixture.member("eve", [(harness.fixture.lab, .reader)]).token
            let denied = await failure {
                _ = try await harness.client(token: reader).uploadFiles(V1.UploadFilesRequest(files: [good]))
            }
            #expect(denied?.code == .permissionDenied)
        }
    }

    @Test("a full disk is RESOURCE_EXHAUSTED, and nothing of the batch counts as brought")
    func fullDisk() async throws {
        let store = FullStore()
        store.room.withLock { $0 = 2000 }
        try await withFiles(store: store) { harness in
            let files = try [1000, 3000].map { try whole(content($0, seed: UInt64($0))) }
            let error = await failure {
                _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: files))
            }
            #expect(error?.code == .resourceExhausted)
            let asked = V1.FindMissingRequest(files: files.map { V1.ModelFile(digest: $0.digest) })
            #expect(try await harness.client().findMissing(asked).digests.count == 2)
            store.room.withLock { $0 = .max }
            _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: files))
            #expect(try await harness.client().findMissing(asked).digests == [])
        }
    }

    @Test("batches count among what a workspace sends at once, and those who bring the same never stop each other")
    func atOnce() async throws {
        var settings = FileSettings()
        settings.uploadsAtOnce = 8
        try await withFiles(settings) { harness in
            let files = try (0..<100).map { try whole(content(50, seed: $0)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<8 {
                    group.addTask {
                        var random = SeededGenerator(seed: UInt64(seed))
                        let mine = files.shuffled(using: &random)
                        for _ in 0..<10 {
                            _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: mine))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let workspace = harness.fixture.lab.id
            let places = try (0..<8).map { _ in try harness.service.uploads.open.enter(workspace, limit: 8) }
            let error = await failure {
                _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: files))
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message == "8 uploads of this workspace are being sent already, which is the limit")
            for place in places { harness.service.uploads.open.release(place) }
            _ = try await harness.client().uploadFiles(V1.UploadFilesRequest(files: files))
        }
    }
}
