import Contracts
import Glibc
import Loop
import RPC
import Testing

@testable import Blobs
@testable import Postgres
@testable import RegistryCore

@Suite("downloads", .timeLimit(.minutes(3))) struct DownloadTests {
    @Test(
        "an offset and a length give that part; what is beyond the end is left out",
        arguments: [
            (0, 0, 0..<2_000_000), (0, 10, 0..<10), (5, 0, 5..<2_000_000), (1_999_990, 100, 1_999_990..<2_000_000),
            (700_000, 600_000, 700_000..<1_300_000), (2_000_000, 0, 2_000_000..<2_000_000),
        ])
    func ranges(offset: Int64, length: Int64, expected: Range<Int>) async throws {
        try await withFiles { harness in
            let bytes = content(2_000_000, seed: 1)
            try await harness.register("churn", [("dir/model.bin", bytes), ("other", [1])])
            let request = V1.DownloadRequest(version: "churn/1", path: "dir/model.bin", offset: offset, length: length)
            try await harness.client().download(request) { responses in
                var received: [UInt8] = []
                var files: [V1.ModelFile?] = []
                for try await response in responses {
                    received += response.data
                    files.append(response.file)
                    #expect(response.data.count <= 1 << 20)
                }
                #expect(received == Array(bytes[expected]))
                let file = V1.ModelFile(
                    path: "dir/model.bin", digest: try begin(bytes).digest, sizeBytes: Int64(bytes.count))
                #expect(files.first == file && files.dropFirst().allSatisfy { $0 == nil })
            }
        }
    }

    @Test("a version is found by its number, as the latest and by an alias")
    func names() async throws {
        try await withFiles { harness in
            for number in 1...3 { try await harness.register("churn", [("a", [UInt8(number)])]) }
            try await harness.fixture.pool.execute(
                """
                INSERT INTO registry.aliases (model, alias, version, workspace, target, set_by)
                SELECT model, 'champion', version, workspace, id, 'person:ada' FROM registry.versions WHERE version = 2
                """)
            let names: [(String, UInt8)] = [
                ("churn/1", 1), ("churn:1", 1), ("models:/churn/1", 1), ("churn/latest", 3),
                ("models:/churn/latest", 3),
                ("churn@champion", 2), ("models:/churn@champion", 2),
            ]
            for (name, byte) in names {
                #expect(try await harness.download(V1.DownloadRequest(version: name, path: "a")) == [byte], "\(name)")
            }
        }
    }

    @Test("what is not there, or is of another workspace, is NOT_FOUND with what is lacking")
    func refusals() async throws {
        try await withFiles { harness in
            try await harness.register("churn", [("a", [1, 2, 3])])
            try await harness.register("gone", [("a", [1])])
            try await harness.fixture.pool.execute(
                "UPDATE registry.versions SET deleted = now() WHERE name = 'gone'")
            func check(
                _ version: String, _ path: String, _ code: RPCCode, _ message: String, offset: Int64 = 0,
                length: Int64 = 0, workspace: String = "lab"
            ) async {
                let error = await failure {
                    _ = try await harness.download(
                        V1.DownloadRequest(version: version, path: path, offset: offset, length: length),
                        workspace: workspace)
                }
                #expect(error?.code == code, "\(version) \(path)")
                #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "none")")
            }
            await check("nope/1", "a", .notFound, "there is no model \"nope\"")
            await check("churn/2", "a", .notFound, "there is no version churn:2")
            await check("churn@champion", "a", .notFound, "there is no version churn@champion")
            await check("gone/1", "a", .notFound, "gone:1 is deleted")
            await check("churn/1", "b", .notFound, "churn:1 has no file \"b\"")
            await check("churn/1", "", .notFound, "churn:1 has no file \"\"")
            await check("churn/1", "a\0", .notFound, "churn:1 has no file \"a\0\"")
            await check("churn/1", "../a", .notFound, "churn:1 has no file \"../a\"")
            await check("churn/1", "a", .notFound, "there is no model \"churn\"", workspace: "attic")
            await check("churn/1", "a", .outOfRange, "offset: the file has 3 bytes, and 4 is beyond them", offset: 4)
            await check("churn/1", "a", .invalidArgument, "offset: -1 is negative", offset: -1)
            await check("churn/1", "a", .invalidArgument, "length: -1 is negative", length: -1)
            for version in [
                "", "churn", "churn/", "churn/0", "churn/01", "churn/x", "/1", "churn@", "churn/1/2", "-a/1",
            ] {
                await check(version, "a", .invalidArgument, "version: ")
            }
            let archive = await failure {
                try await harness.client("attic").downloadArchive(V1.DownloadArchiveRequest(version: "churn/1")) {
                    responses in
                    for try await _ in responses {}
                }
            }
            #expect(archive?.code == .notFound)
        }
    }

    @Test("a version that is purged and collected while it is sent is sent to its end")
    func purged() async throws {
        try await withFolder { folder in
            let pool = ComputePool(threads: 2)
            try pool.start()
            defer { pool.stop() }
            try await withFiles(store: try await FolderBlobStore.open(folder, pool: pool)) { harness in
                let bytes = content(12 << 20, seed: 2)
                try await harness.register("churn", [("a", bytes)])
                let request = V1.DownloadRequest(version: "churn/1", path: "a")
                try await harness.client().download(request) { responses in
                    var received: [UInt8] = []
                    for try await response in responses {
                        if received.isEmpty {
                            try await harness.purge("churn", 1)
                            var settings = FileSettings()
                            settings.keep = .zero
                            let report = try await #require(harness.keeper(settings).collect())
                            #expect(report.blobs.held == 1 && report.blobs.removed == [])
                        }
                        received += response.data
                    }
                    #expect(received == bytes)
                }
                #expect(await failure { _ = try await harness.download(request) }?.code == .notFound)
            }
        }
    }

    @Test("damage is DATA_LOSS, before the last bytes are given; bytes that are gone are DATA_LOSS at once")
    func damage() async throws {
        try await withFiles { harness in
            let bytes = content(1_200_000, seed: 3)
            try await harness.register("churn", [("a", bytes)])
            let digest = try BlobHasher.digest(bytes)
            harness.fixture.blobs.state.withLock { $0.blobs[digest]?.bytes[5] ^= 1 }
            var received = 0
            let error = await failure {
                try await harness.client().download(V1.DownloadRequest(version: "churn/1", path: "a")) { responses in
                    for try await response in responses { received += response.data.count }
                }
            }
            #expect(error?.code == .dataLoss)
            #expect(error?.message == "the bytes of \"a\" in the store are not \(digest)")
            #expect(received < bytes.count)
            let archive = await failure {
                try await harness.client().downloadArchive(V1.DownloadArchiveRequest(version: "churn/1")) { responses in
                    for try await _ in responses {}
                }
            }
            #expect(archive?.code == .dataLoss)
            harness.fixture.blobs.state.withLock { $0.blobs[digest]?.bytes.removeLast() }
            let short = await failure {
                _ = try await harness.download(V1.DownloadRequest(version: "churn/1", path: "a", length: 5))
            }
            #expect(short?.code == .dataLoss)
            harness.fixture.blobs.state.withLock { $0.blobs = [:] }
            let lost = await failure {
                _ = try await harness.download(V1.DownloadRequest(version: "churn/1", path: "a"))
            }
            #expect(lost?.code == .dataLoss)
            #expect(lost?.message == "the bytes of \"a\", \(digest), are not in the store any more")
            #expect(harness.metrics.damagedFiles.value == 4)
        }
    }
}
