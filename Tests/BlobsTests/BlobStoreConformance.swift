import Blobs
import Glibc
import Loop
import Testing

/// What every store must do. An implementation is one more case here.
enum StoreKind: CaseIterable, Sendable {
    case folder, memory

    /// Runs `body` with an empty store.
    func withStore(_ body: (any BlobStore) async throws -> Void) async throws {
        let pool = ComputePool(threads: 2)
        try pool.start()
        defer { pool.stop() }
        switch self {
        case .folder:
            try await withFolder { try await body(try await FolderBlobStore.open($0, pool: pool)) }
        case .memory: try await body(MemoryBlobStore())
        }
    }
}

/// A stream of pieces.
struct Pieces: AsyncSequence, Sendable {
    let bytes: [UInt8]
    let pieceBytes: Int
    var failsAtEnd = false

    struct Broken: Error {}

    struct AsyncIterator: AsyncIteratorProtocol {
        let pieces: Pieces
        var position = 0
        mutating func next() async throws -> ArraySlice<UInt8>? {
            guard position < pieces.bytes.count else {
                if pieces.failsAtEnd { throw Broken() }
                return nil
            }
            let end = Swift.min(position + pieces.pieceBytes, pieces.bytes.count)
            defer { position = end }
            return pieces.bytes[position..<end]
        }
    }
    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pieces: self) }
}

@Suite("every blob store")
struct BlobStoreConformance {
    @Test("what was put is found under its digest, whole and in ranges", arguments: StoreKind.allCases)
    func putAndGet(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let bytes = content(seed: 1, size: 3_000_001)
            let pin = try await store.put(Pieces(bytes: bytes, pieceBytes: 70_000))
            let digest = try BlobHasher.digest(bytes)
            #expect(pin.info == BlobInfo(digest: digest, size: 3_000_001))
            #expect(try await store.stat(digest) == pin.info)
            #expect(try await store.stat([BlobHasher.digest([]), digest]) == [pin.info])
            try await store.withBlob(digest) { reader in
                #expect(try await reader.verifiedBytes(upTo: 4_000_000) == bytes)
                #expect(try await reader.read(1_000_000..<1_000_010) == Array(bytes[1_000_000..<1_000_010]))
                #expect(try await reader.read(3_000_001..<3_000_001) == [])
                var collected: [UInt8] = []
                for try await chunk in reader.chunks(5..<2_500_000, of: 999_983) { collected += chunk }
                #expect(collected == Array(bytes[5..<2_500_000]))
                collected = []
                for try await chunk in reader.verifiedChunks(of: 1_000_000) { collected += chunk }
                #expect(collected == bytes)
                #expect(await failure { _ = try await reader.read(3_000_000..<3_000_002) }?.code == .outOfRange)
                #expect(await failure { _ = try await reader.verifiedBytes(upTo: 10) }?.code == .outOfRange)
            }
        }
    }

    @Test("the empty blob is a blob", arguments: StoreKind.allCases)
    func empty(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let pin = try await store.put([])
            #expect(
                pin.info.digest.hexadecimal == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
            #expect(try await store.withBlob(pin.info.digest) { try await $0.verifiedBytes(upTo: 0) } == [])
        }
    }

    @Test("what is not there is nil for stat and not found for the rest", arguments: StoreKind.allCases)
    func absent(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let digest = try BlobHasher.digest([1, 2, 3])
            #expect(try await store.stat(digest) == nil)
            #expect(await failure { _ = try await store.open(digest) }?.code == .notFound)
            #expect(await failure { _ = try await store.pin(digest) }?.code == .notFound)
            #expect(await failure { _ = try await store.resumeUpload(BlobUploadID()) }?.code == .notFound)
        }
    }

    @Test("a put with another digest than promised leaves nothing", arguments: StoreKind.allCases)
    func mismatch(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let promised = try BlobHasher.digest([9])
            #expect(await failure { _ = try await store.put([1, 2, 3], expecting: promised) }?.code == .digestMismatch)
            #expect(try await store.list(after: nil, limit: 10).isEmpty)
            #expect(try await store.collect(olderThan: .zero) { Set($0) }.removedUploads == 0)
        }
    }

    @Test(
        "a batch is there whole, pinned in its order, also what was there before or comes twice",
        arguments: StoreKind.allCases)
    func batch(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let contents = [0, 1, 100, 65_536, 100].enumerated().map { content(seed: UInt64($0 + 20), size: $1) }
            try await store.put(contents[2]).release()
            let batch = try (contents + [contents[1]]).map { bytes in
                BlobContent(digest: try BlobHasher.digest(bytes), bytes: ([9] + bytes)[1...])
            }
            let pins = try await store.putAll(batch)
            #expect(pins.map(\.info) == batch.map { BlobInfo(digest: $0.digest, size: Int64($0.bytes.count)) })
            #expect(try await store.list(after: nil, limit: 10).count == 5)
            let held = try await store.collect(olderThan: .zero) { _ in [] }
            #expect(held.held == 5 && held.removed.isEmpty && held.removedUploads == 0)
            for (content, bytes) in zip(batch, contents) {
                let read = try await store.withBlob(content.digest) { try await $0.verifiedBytes(upTo: 100_000) }
                #expect(read == bytes)
            }
            for pin in pins { pin.release() }
            #expect(try await store.collect(olderThan: .zero) { _ in [] }.removed.count == 5)
            #expect(try await store.putAll([]).isEmpty)
        }
    }

    @Test("one lie in a batch, and nothing of it is stored", arguments: StoreKind.allCases)
    func batchMismatch(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let promised = try BlobHasher.digest([9])
            let batch = [
                BlobContent(digest: try BlobHasher.digest([1]), bytes: [1]), BlobContent(digest: promised, bytes: [2]),
            ]
            let error = await failure { _ = try await store.putAll(batch) }
            #expect(error?.code == .digestMismatch && error?.message.hasSuffix("and not \(promised)") == true)
            #expect(try await store.list(after: nil, limit: 10).isEmpty)
            #expect(try await store.collect(olderThan: .zero) { Set($0) }.removedUploads == 0)
        }
    }

    @Test("a put whose source fails leaves nothing", arguments: StoreKind.allCases)
    func brokenSource(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            do {
                _ = try await store.put(Pieces(bytes: [1, 2, 3], pieceBytes: 1, failsAtEnd: true))
                Issue.record("the source's error was lost")
            } catch is Pieces.Broken {}
            #expect(try await store.list(after: nil, limit: 10).isEmpty)
            #expect(try await store.collect(olderThan: .zero) { Set($0) }.removedUploads == 0)
        }
    }

    @Test("the same bytes put twice at once are one blob", arguments: StoreKind.allCases)
    func twice(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let bytes = content(seed: 2, size: 500_000)
            try await withThrowingTaskGroup(of: BlobDigest.self) { group in
                for _ in 0..<8 { group.addTask { try await store.put(bytes).info.digest } }
                var digests: Set<BlobDigest> = []
                for try await digest in group { digests.insert(digest) }
                #expect(digests.count == 1)
            }
            #expect(try await store.list(after: nil, limit: 10).count == 1)
            #expect(try await store.scrub(after: nil, limit: 10).damaged.isEmpty)
        }
    }

    @Test("an upload goes on where it stands, and says so to parts that do not fit", arguments: StoreKind.allCases)
    func resume(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let bytes = content(seed: 3, size: 300_000)
            let first = try await store.beginUpload()
            try await first.append(bytes[..<100_000], at: 0)
            #expect(
                await failure { try await first.append(bytes[50_000..<60_000], at: 50_000) }?.code == .offsetMismatch)
            #expect(first.offset == 100_000)
            #expect(await failure { _ = try await store.resumeUpload(first.id) }?.code == .busy)
            try await first.suspend()
            let second = try await store.resumeUpload(first.id)
            #expect(second.offset == 100_000)
            try await second.append(bytes[100_000...], at: 100_000)
            let pin = try await second.finish(expecting: try BlobHasher.digest(bytes))
            #expect(pin.info.size == 300_000)
            #expect(await failure { _ = try await store.resumeUpload(first.id) }?.code == .notFound)
        }
    }

    @Test("a cancelled upload is gone", arguments: StoreKind.allCases)
    func cancel(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let upload = try await store.beginUpload()
            try await upload.append([1, 2, 3], at: 0)
            try await upload.cancel()
            #expect(await failure { _ = try await store.resumeUpload(upload.id) }?.code == .notFound)
            #expect(await failure { try await upload.append([4], at: 3) }?.code == .notFound)
        }
    }

    @Test("the list comes in order and in pages", arguments: StoreKind.allCases)
    func list(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            var put: [BlobDigest] = []
            for value in 0..<50 { put.append(try await store.put([UInt8(value)]).info.digest) }
            var listed: [BlobDigest] = []
            while true {
                let page = try await store.list(after: listed.last, limit: 7).map(\.digest)
                if page.isEmpty { break }
                listed += page
            }
            #expect(listed == put.sorted())
        }
    }

    @Test("a collection removes what is old, free and not referenced, and nothing else", arguments: StoreKind.allCases)
    func collect(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let kept = try await store.put([1]).info.digest
            let garbage = try await store.put([2]).info.digest
            let pinned = try await store.put([3])
            let reading = try await store.open(try await store.put([4]).info.digest)
            let upload = try await store.beginUpload()
            try await upload.append([5], at: 0)

            let young = try await store.collect(olderThan: .seconds(3600)) { _ in [] }
            #expect(young.examined == 4 && young.removed.isEmpty && young.removedUploads == 0)

            let report = try await store.collect(olderThan: .zero) { _ in [kept] }
            #expect(report.removed == [garbage] && report.removedBytes == 1)
            #expect(report.held == 2 && report.removedUploads == 0)
            #expect(try await reading.read(0..<1) == [4])

            pinned.release()
            reading.release()
            try await upload.suspend()
            let later = try await store.collect(olderThan: .zero) { _ in [kept] }
            #expect(later.removed.count == 2 && later.removedUploads == 1)
            #expect(try await store.list(after: nil, limit: 10).map(\.digest) == [kept])
        }
    }

    @Test("a blob pinned between the collector's question and its answer stays", arguments: StoreKind.allCases)
    func pinnedMeanwhile(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let one = try await store.put([1]).info.digest
            let two = try await store.put([2]).info.digest
            let report = try await store.collect(olderThan: .zero) { _ in
                // The pin is let go before the collector goes on: its reference would be recorded by now.
                try await store.pin(one).release()
                try await store.put([2]).release()
                return []
            }
            #expect(report.removed.isEmpty && report.held == 2)
            #expect(try await store.stat(one) != nil)
            #expect(try await store.stat(two) != nil)
        }
    }

    @Test("collectors and putters at work together never lose what is pinned", arguments: StoreKind.allCases)
    func race(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let removed = Lock(0)
            let isOver = Lock(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !isOver.withLock({ $0 }) {
                        let count = try await store.collect(olderThan: .zero) { _ in [] }.removed.count
                        removed.withLock { $0 += count }
                    }
                }
                group.addTask {
                    defer { isOver.withLock { $0 = true } }
                    try await withThrowingTaskGroup(of: Void.self) { putters in
                        for seed in 0..<4 {
                            putters.addTask {
                                // On a busy machine the collector may come late; without it there is no race.
                                var round = 0
                                while round < 150 || round < 20_000 && removed.withLock({ $0 }) == 0 {
                                    defer { round += 1 }
                                    let bytes = [UInt8(round % 5), UInt8(seed % 2)]
                                    let pin = try await store.put(bytes)
                                    #expect(try await store.stat(pin.info.digest) != nil)
                                    let read = try await store.withBlob(pin.info.digest) { reader in
                                        try await reader.verifiedBytes(upTo: 2)
                                    }
                                    #expect(read == bytes)
                                }
                            }
                        }
                        try await putters.waitForAll()
                    }
                }
                try await group.waitForAll()
            }
            #expect(removed.withLock { $0 } > 0, "the collector had nothing to race for")
        }
    }
}
