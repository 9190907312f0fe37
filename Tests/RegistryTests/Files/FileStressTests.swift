import ResourceKit
import Contracts
import Loop
import RPC
import TestKit
import Testing

@testable import Access
@testable import Blobs
@testable import Postgres
@testable import RegistryCore

@Suite("files while they are collected", .timeLimit(.minutes(3))) struct FileStressTests {
    @Test(
        "what was registered can be fetched, whatever is uploaded, purged and collected meanwhile", arguments: [1, 2])
    func everythingAtOnce(seed: UInt64) async throws {
        try await withFolder { folder in
            let pool = ComputePool(threads: 2)
            try pool.start()
            defer { pool.stop() }
            try await withFiles(store: try await FolderBlobStore.open(folder, pool: pool)) { harness in
                let isOver = Lock(false)
                try await withThrowingTaskGroup(of: Int.self) { group in
                    // Kept for no time at all: only what is held or named stays.
                    group.addTask {
                        var settings = FileSettings()
                        settings.keep = .zero
                        var removed = 0
                        while !isOver.withLock({ $0 }) {
                            removed += try await harness.keeper(settings).collect()?.blobs.removed.count ?? 0
                        }
                        return removed
                    }
                    let registrars = 3
                    for number in 0..<registrars {
                        group.addTask {
                            var random = SeededGenerator(seed: seed * 100 + UInt64(number))
                            // Few contents, so that they come and go under each other's hands.
                            for _ in 0..<25 {
                                try await turn(harness, content(2000, seed: UInt64.random(in: 1...4, using: &random)))
                            }
                            return 0
                        }
                    }
                    for _ in 0..<registrars { _ = try await group.next() }
                    isOver.withLock { $0 = true }
                    #expect(try await group.next() ?? 0 > 0)
                }
            }
        }
    }

    /// Registers bytes, fetches them, and purges the version.
    private func turn(_ harness: FilesHarness, _ bytes: [UInt8]) async throws {
        let change = RegistryChange(harness.fixture.lab, actor: "person:ada")
        let registry = RegistryStore(harness.fixture.pool, blobs: harness.store)
        let wanted = try begin(bytes)
        let file = V1.ModelFile(path: "a", digest: wanted.digest, sizeBytes: wanted.sizeBytes)
        while true {
            do {
                let upload = try await harness.client().beginUpload(wanted)
                if !upload.done { try await harness.send(bytes, to: upload.id, from: Int(upload.offset)) }
                let version = try await registry.register(V1.RegisterRequest(name: "churn", files: [file]), by: change)
                let name = "churn/\(version.version)"
                #expect(try await harness.download(V1.DownloadRequest(version: name, path: "a")) == bytes)
                _ = try await registry.delete(V1.DeleteVersionRequest(version: name), by: change)
                try await registry.purge(V1.PurgeVersionRequest(version: name), by: change)
                return
            } catch let error as RPCError
                where [.aborted, .failedPrecondition].contains(error.code)
                // The row of an upload may go between two calls: nothing is kept here.
                || error.code == .notFound && error.message.contains("upload")
            {
                await Task.yield()
            }
        }
    }
}
