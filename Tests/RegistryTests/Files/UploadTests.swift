import Contracts
import Glibc
import Loop
import RPC
import TestKit
import Testing

@testable import Blobs
@testable import Postgres
@testable import RegistryCore

private struct Cut: Error {}

@Suite("uploads", .timeLimit(.minutes(3))) struct UploadTests {
    @Test("a file comes in by pieces, is found afterwards, and is not sent again")
    func whole() async throws {
        try await withFiles { harness in
            let bytes = content(3_000_000, seed: 1)
            let digest = try BlobHasher.digest(bytes).description
            let ask = V1.FindMissingRequest(files: [
                V1.ModelFile(path: "a", digest: digest), V1.ModelFile(digest: digest),
            ])
            #expect(try await harness.client().findMissing(ask).digests == [digest])
            let begun = try await harness.client().beginUpload(try begin(bytes))
            #expect(begun.offset == 0 && !begun.done)
            let half = try await harness.send(Array(bytes[..<1_500_000]), to: begun.id)
            #expect(half == V1.Upload(id: begun.id, offset: 1_500_000, done: false))
            #expect(try await harness.client().beginUpload(try begin(bytes)) == half)
            let done = try await harness.send(bytes, to: begun.id, from: 1_500_000)
            #expect(done == V1.Upload(id: begun.id, offset: 3_000_000, done: true))
            #expect(try await harness.client().findMissing(ask).digests == [])
            #expect(try await harness.client().beginUpload(try begin(bytes)) == done)
            #expect(try await harness.store.stat(#require(BlobDigest(digest)))?.size == 3_000_000)
        }
    }

    @Test("a file without bytes is done as soon as it is begun")
    func empty() async throws {
        try await withFiles { harness in
            #expect(try await harness.client().beginUpload(try begin([])).done)
            #expect(try await harness.client().beginUpload(try begin([])).done)
            let other = try BlobHasher.digest([1]).description
            let error = await failure {
                _ = try await harness.client().beginUpload(V1.BeginUploadRequest(digest: other))
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.hasPrefix("digest: no bytes have the digest sha256:e3b0c442") == true)
        }
    }

    @Test("a request that is wrong is refused with the field and what would be right")
    func refusals() async throws {
        var settings = FileSettings()
        settings.sizeLimit.bytes = 1000
        try await withFiles(settings) { harness in
            let client = harness.client()
            let digest = try BlobHasher.digest([1]).description
            func check(_ code: RPCCode, _ message: String, _ body: () async throws -> Void) async {
                let error = await failure(body)
                #expect(error?.code == code, "\(message)")
                #expect(error?.message == message)
            }
            let noDigest = "is no digest: that is sha256: and 64 hexadecimal digits, a–f small"
            await check(.invalidArgument, "digest: \"md5:1\" \(noDigest)") {
                _ = try await client.beginUpload(V1.BeginUploadRequest(digest: "md5:1", sizeBytes: 1))
            }
            await check(.invalidArgument, "files[1].digest: \"\" \(noDigest)") {
                let files = [V1.ModelFile(digest: digest), V1.ModelFile()]
                _ = try await client.findMissing(V1.FindMissingRequest(files: files))
            }
            await check(.invalidArgument, "files: 100001 files; at most 100000 can be asked about at once") {
                let files = Array(repeating: V1.ModelFile(), count: 100_001)
                _ = try await client.findMissing(V1.FindMissingRequest(files: files))
            }
            await check(.invalidArgument, "size_bytes: a file can't have -1 bytes") {
                _ = try await client.beginUpload(V1.BeginUploadRequest(digest: digest, sizeBytes: -1))
            }
            await check(.invalidArgument, "size_bytes: 1001 bytes; a file may have at most 1000") {
                _ = try await client.beginUpload(V1.BeginUploadRequest(digest: digest, sizeBytes: 1001))
            }
            await check(.invalidArgument, "size_bytes: \(Int64.max) bytes; a file may have at most 1000") {
                _ = try await client.beginUpload(V1.BeginUploadRequest(digest: digest, sizeBytes: .max))
            }
            await check(.invalidArgument, "id: the first message names the upload, and no message came") {
                _ = try await client.appendUpload { _ in }
            }
            let noID = "names no upload: that is 32 hexadecimal digits, as BeginUpload gives"
            await check(.invalidArgument, "id: \"../x\" \(noID)") { try await harness.send([1], to: "../x") }
            await check(.invalidArgument, "id: \"\" \(noID)") {
                _ = try await client.cancelUpload(V1.CancelUploadRequest())
            }
            let unknown = String(repeating: "0", count: 32)
            await check(.notFound, "there is no upload \(unknown); begin it again") {
                try await harness.send([1], to: unknown)
            }
            let bytes = content(600, seed: 2)
            let id = try await client.beginUpload(try begin(bytes)).id
            await check(.failedPrecondition, "the upload \(id) stands at 0, and these bytes begin at 5") {
                try await harness.send(bytes, to: id, from: 5)
            }
            await check(.invalidArgument, "data: the upload \(id) was begun with 600 bytes, and more came") {
                try await harness.send(bytes + [0], to: id)
            }
            await check(.invalidArgument, "id: one call appends to one upload, and \(id) came first") {
                _ = try await client.appendUpload { writer in
                    try await writer.write(V1.AppendUploadRequest(id: id))
                    try await writer.write(V1.AppendUploadRequest(id: unknown))
                }
            }
            #expect(try await harness.send(bytes, to: id).done)
            await check(.failedPrecondition, "the upload \(id) is done: all its 600 bytes are there") {
                try await harness.send(bytes, to: id)
            }
            await check(.failedPrecondition, "the upload \(id) is done: all its 600 bytes are there") {
                _ = try await client.cancelUpload(V1.CancelUploadRequest(id: id))
            }
            let known = try begin(bytes)
            await check(.invalidArgument, "size_bytes: \(known.digest) has 600 bytes, not 599") {
                _ = try await client.beginUpload(V1.BeginUploadRequest(digest: known.digest, sizeBytes: 599))
            }
        }
    }

    @Test("a reader may neither begin nor ask what is missing")
    func roles() async throws {
        try await withFiles { harness in
            let reader = try await harness.fixture.member("eve", [(harness.fixture.lab, .reader)]).token
            let client = harness.client(token: reader)
            #expect(await failure { _ = try await client.beginUpload(try begin([1])) }?.code == .permissionDenied)
            #expect(
                await failure { _ = try await client.findMissing(V1.FindMissingRequest()) }?.code == .permissionDenied)
        }
    }

    @Test("an upload that is cut again and again goes on from what arrived, and is whole in the end", arguments: 1...4)
    func cuts(seed: UInt64) async throws {
        try await withFolder { folder in
            let pool = ComputePool(threads: 2)
            try pool.start()
            defer { pool.stop() }
            try await withFiles(store: try await FolderBlobStore.open(folder, pool: pool)) { harness in
                var random = SeededGenerator(seed: seed)
                let bytes = content(8_000_000, seed: seed)
                var lost = 0
                while true {
                    let upload: V1.Upload
                    do { upload = try await harness.client().beginUpload(try begin(bytes)) } catch let error as RPCError
                        where error.code == .aborted
                    { continue }
                    if upload.done { break }
                    let start = Int(upload.offset)
                    let end = min(bytes.count, start + Int.random(in: 0...2_500_000, using: &random))
                    let step = Int.random(in: 1...400_000, using: &random)
                    let isCut = Bool.random(using: &random) || end == start
                    do {
                        _ = try await harness.client().appendUpload { writer in
                            var message = V1.AppendUploadRequest(id: upload.id, offset: upload.offset)
                            for position in stride(from: start, to: end, by: step) {
                                message.data = bytes[position..<min(end, position + step)]
                                try await writer.write(message)
                                message = V1.AppendUploadRequest()
                            }
                            if isCut { throw Cut() }
                        }
                    } catch is Cut {
                        lost += 1
                    } catch let error as RPCError
                        where error.code == .aborted || error.code == .failedPrecondition || error.code == .notFound
                        || error.code == .cancelled
                    {
                        // The server may learn of a cut after the next call came.
                        continue
                    }
                }
                #expect(lost > 0)
                let digest = try BlobHasher.digest(bytes)
                let stored = try await harness.store.withBlob(digest) { try await $0.verifiedBytes(upTo: 10_000_000) }
                #expect(stored == bytes)
            }
        }
    }

    @Test("many who send the same bytes at once all find them done, and the store has them once")
    func concurrent() async throws {
        try await withFiles { harness in
            let bytes = content(2_000_000, seed: 5)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        while true {
                            do {
                                let upload = try await harness.client().beginUpload(try begin(bytes))
                                if upload.done { return }
                                try await harness.send(bytes, to: upload.id, from: Int(upload.offset))
                            } catch let error as RPCError
                                where [.aborted, .failedPrecondition, .notFound].contains(error.code)
                            {
                                // Somebody else writes, wrote, or had to begin it anew.
                                await Task.yield()
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(harness.fixture.blobs.state.withLock { ($0.blobs.count, $0.uploads.count) } == (1, 0))
            #expect(
                try await harness.fixture.pool.read("SELECT count(*) FROM registry.uploads WHERE done").all(Int.self)
                    == [1])
        }
    }

    @Test("the second writer of an upload is told that there is another, and where it stands when it asks")
    func twoWriters() async throws {
        try await withFiles { harness in
            let bytes = content(3 << 20, seed: 6)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            let gate = Gate()
            async let first = harness.client().appendUpload { writer in
                try await writer.write(V1.AppendUploadRequest(id: id, data: bytes[..<(2 << 20)]))
                await gate.wait()
                try await writer.write(V1.AppendUploadRequest(data: bytes[(2 << 20)...]))
            }
            // The first has it as soon as its bytes are counted.
            while try await harness.client().beginUpload(try begin(bytes)).offset != 2 << 20 { await Task.yield() }
            let error = await failure { try await harness.send(bytes, to: id, from: 2 << 20) }
            #expect(error?.code == .aborted)
            #expect(error?.message == "somebody else writes the upload \(id)")
            #expect(error?.details.map(\.typeName) == ["google.rpc.RetryInfo", "google.rpc.ErrorInfo"])
            let cancelling = await failure {
                _ = try await harness.client().cancelUpload(V1.CancelUploadRequest(id: id))
            }
            #expect(cancelling?.code == .aborted)
            gate.open()
            #expect(try await first.done)
        }
    }

    @Test("bytes that are not what was promised are DATA_LOSS; the upload is gone, and begins anew")
    func lie() async throws {
        try await withFiles { harness in
            let bytes = content(1000, seed: 7)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            let error = await failure { try await harness.send(content(1000, seed: 8), to: id) }
            let digest = try BlobHasher.digest(bytes)
            #expect(error?.code == .dataLoss)
            #expect(
                error?.message
                    == "what came as the upload \(id) is not \(digest); the upload is gone, begin it again")
            #expect(await failure { try await harness.send(bytes, to: id) }?.code == .notFound)
            #expect(harness.fixture.blobs.state.withLock { ($0.blobs.count, $0.uploads.count) } == (0, 0))
            let again = try await harness.client().beginUpload(try begin(bytes))
            #expect(again.offset == 0 && !again.done)
            #expect(try await harness.send(bytes, to: again.id).done)
        }
    }

    @Test("nobody reaches uploads or bytes of another workspace, not even by knowing their names")
    func isolation() async throws {
        try await withFiles { harness in
            let bytes = content(1000, seed: 9)
            let half = try await harness.client("lab").beginUpload(try begin(bytes))
            try await harness.send(Array(bytes[..<500]), to: half.id)
            let asked = V1.FindMissingRequest(files: [V1.ModelFile(digest: try begin(bytes).digest)])
            #expect(await failure { try await harness.send(bytes, to: half.id, workspace: "attic") }?.code == .notFound)
            _ = try await harness.client("attic").cancelUpload(V1.CancelUploadRequest(id: half.id))
            #expect(try await harness.client("lab").beginUpload(try begin(bytes)).offset == 500)
            #expect(try await harness.send(bytes, to: half.id, from: 500).done)
            #expect(try await harness.client("lab").findMissing(asked).digests == [])
            // The store has them, and the other workspace has to bring them all the same.
            #expect(try await harness.client("attic").findMissing(asked).digests == asked.files.map(\.digest))
            let own = try await harness.client("attic").beginUpload(try begin(bytes))
            #expect(own.id != half.id && own.offset == 0 && !own.done)
            #expect(try await harness.send(bytes, to: own.id, workspace: "attic").done)
        }
    }

    @Test("a cancelled upload is gone with its bytes, and cancelling again does nothing")
    func cancelling() async throws {
        try await withFiles { harness in
            let bytes = content(1000, seed: 10)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            try await harness.send(Array(bytes[..<500]), to: id)
            for _ in 0..<2 { _ = try await harness.client().cancelUpload(V1.CancelUploadRequest(id: id)) }
            #expect(harness.fixture.blobs.state.withLock { $0.uploads.count } == 0)
            #expect(await failure { try await harness.send(bytes, to: id, from: 500) }?.code == .notFound)
        }
    }

    @Test("more uploads at once than the workspace may have are refused, and so is beginning more than it may")
    func limits() async throws {
        var settings = FileSettings()
        settings.uploadsAtOnce = 1
        settings.uploadsBegun = 2
        try await withFiles(settings) { harness in
            let one = content(1000, seed: 11)
            let two = content(1000, seed: 12)
            let first = try await harness.client().beginUpload(try begin(one)).id
            let second = try await harness.client().beginUpload(try begin(two)).id
            let begun = await failure { _ = try await harness.client().beginUpload(try begin([1])) }
            #expect(begun?.code == .resourceExhausted)
            #expect(
                begun?.message
                    == "2 uploads of this workspace are begun and not done, which is the limit; finish or cancel some")
            let gate = Gate()
            async let writing = harness.client().appendUpload { writer in
                try await writer.write(V1.AppendUploadRequest(id: first, data: one[...]))
                await gate.wait()
            }
            while harness.service.uploads.open.writerCount == 0 { await Task.yield() }
            let error = await failure { try await harness.send(two, to: second) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message == "1 uploads of this workspace are being sent already, which is the limit")
            // Another workspace has its own.
            let other = try await harness.client("attic").beginUpload(try begin(two)).id
            #expect(try await harness.send(two, to: other, workspace: "attic").done)
            gate.open()
            #expect(try await writing.done)
            #expect(try await harness.send(two, to: second).done)
        }
    }

    @Test("a full disk is RESOURCE_EXHAUSTED; the upload stays, and goes on when there is room")
    func fullDisk() async throws {
        let store = FullStore()
        try await withFiles(store: store) { harness in
            let bytes = content(4 << 20, seed: 13)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            store.room.withLock { $0 = 2 << 20 }
            let error = await failure { try await harness.send(bytes, to: id) }
            #expect(error?.code == .resourceExhausted)
            #expect(
                error?.message == "the store has no room left; what came is kept as far as it was written")
            #expect(try await harness.client().beginUpload(try begin(bytes)) == V1.Upload(id: id, offset: 2 << 20))
            store.room.withLock { $0 = .max }
            #expect(try await harness.send(bytes, to: id, from: 2 << 20).done)
        }
    }

    @Test("an upload whose bytes all came before its sender died is finished when it is begun again")
    func unfinished() async throws {
        try await withFiles { harness in
            let bytes = content(1000, seed: 14)
            let id = try await harness.client().beginUpload(try begin(bytes)).id
            let upload = try await harness.store.resumeUpload(#require(BlobUploadID(id)))
            try await upload.append(bytes[...], at: 0)
            try await upload.suspend()
            #expect(
                try await harness.client().beginUpload(try begin(bytes)) == V1.Upload(id: id, offset: 1000, done: true))
        }
    }

    @Test("an upload that the store lost begins anew, and so does one that was begun with another size")
    func replaced() async throws {
        try await withFiles { harness in
            let bytes = content(1000, seed: 15)
            let digest = try begin(bytes).digest
            let wrong = try await harness.client().beginUpload(V1.BeginUploadRequest(digest: digest, sizeBytes: 5)).id
            let right = try await harness.client().beginUpload(try begin(bytes)).id
            #expect(wrong != right)
            #expect(harness.fixture.blobs.state.withLock { $0.uploads.count } == 1)
            try await harness.store.resumeUpload(#require(BlobUploadID(right))).cancel()
            #expect(await failure { try await harness.send(bytes, to: right) }?.code == .notFound)
            let last = try await harness.client().beginUpload(try begin(bytes)).id
            #expect(last != right)
            #expect(try await harness.send(bytes, to: last).done)
        }
    }

    @Test("bytes that the workspace has through a version need no upload, and those that the store lost do")
    func throughVersion() async throws {
        try await withFiles { harness in
            let bytes = content(1000, seed: 16)
            try await harness.register("churn", [("model.bin", bytes)])
            #expect(try await harness.client().beginUpload(try begin(bytes)).done)
            let attic = try await harness.client("attic").beginUpload(try begin(bytes))
            #expect(!attic.done)
            harness.fixture.blobs.state.withLock { $0.blobs = [:] }
            let asked = V1.FindMissingRequest(files: [V1.ModelFile(digest: try begin(bytes).digest)])
            #expect(try await harness.client().findMissing(asked).digests.count == 1)
            let again = try await harness.client().beginUpload(try begin(bytes))
            #expect(!again.done)
            #expect(try await harness.send(bytes, to: again.id).done)
        }
    }

    @Test("a hundred thousand files are asked about in one call")
    func many() async throws {
        try await withFiles { harness in
            let one = content(10, seed: 17)
            try await harness.register("churn", [("a", one)])
            var files = try (0..<99_999).map { number in
                V1.ModelFile(path: "\(number)", digest: try BlobHasher.digest(Array("\(number)".utf8)).description)
            }
            files.append(V1.ModelFile(path: "a", digest: try begin(one).digest))
            let missing = try await harness.client().findMissing(V1.FindMissingRequest(files: files)).digests
            #expect(missing == files.dropLast().map(\.digest))
        }
    }
}
