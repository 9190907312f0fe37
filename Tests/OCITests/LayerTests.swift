import Blobs
import Loop
import OCI
import Tar
import Testing

@Suite("Layers")
struct LayerTests {
    static func contents(_ order: [Int] = [0, 1, 2]) throws -> LayerContents {
        var contents = LayerContents(owner: 10_001, group: 10_001)
        let files = [("app/score.py", "def run(data): return data"), ("app/b/model.txt", "42"), ("zeros", "")]
        for index in order {
            let (path, text) = files[index]
            try contents.add(TarEntry(path: path, size: Int64(text.utf8.count)), from: .bytes(Array(text.utf8)))
        }
        return contents
    }

    static func withPool<Result>(_ body: (ComputePool) async throws -> Result) async throws -> Result {
        let pool = ComputePool(threads: 1)
        try pool.start()
        defer { pool.stop() }
        return try await body(pool)
    }

    @Test("the same contents give the same digests, in whatever order they were added")
    func reproducible() async throws {
        try await Self.withPool { pool in
            let writer = LayerWriter(store: MemoryBlobStore(), files: MachineFiles(pool: pool))
            let first = try await writer.write(Self.contents())
            let second = try await writer.write(Self.contents([2, 0, 1]))
            #expect(first.descriptor == second.descriptor)
            #expect(first.contents == second.contents)
            #expect(first.contents != first.descriptor.digest)
        }
    }

    @Test("gzip and tar unpack a layer, and its contents have the digest that configurations name")
    func unpacks() async throws {
        try await Self.withPool { pool in
            let store = MemoryBlobStore()
            let written = try await LayerWriter(store: store, files: MachineFiles(pool: pool)).write(Self.contents())
            let bytes = try await store.withBlob(written.descriptor.digest) {
                try await $0.verifiedBytes(upTo: 1 << 20)
            }
            let archive = try Tool.bytes("gzip", ["-dc"], input: bytes)
            #expect(try BlobHasher.digest(archive) == written.contents)
            let listing = try Tool.run("tar", ["-tf", "-"], input: archive)
            #expect(listing == "app/\napp/b/\napp/b/model.txt\napp/score.py\nzeros\n")
            var unfolded: [UInt8] = []
            let gzip = try GzipReader(limit: 1 << 20)
            for start in stride(from: 0, to: bytes.count, by: 100) {
                try gzip.read(bytes[start..<min(start + 100, bytes.count)]) { unfolded += $0 }
            }
            #expect(gzip.isDone)
            #expect(unfolded == archive)
        }
    }

    @Test("a file that is not as long as announced is refused, and nothing stays behind")
    func changed() async throws {
        try await Self.withPool { pool in
            let store = MemoryBlobStore()
            var contents = LayerContents()
            try contents.add(TarEntry(path: "a", size: 5), from: .bytes(Array("four".utf8)))
            let writer = LayerWriter(store: store, files: MachineFiles(pool: pool))
            await #expect(throws: OCIError(.corrupt, "a has 4 bytes where 5 were announced: it changed")) {
                _ = try await writer.write(contents)
            }
            #expect(try await store.list(after: nil, limit: 10).isEmpty)
        }
    }

    @Test("an entry that goes through a file or a link is refused")
    func throughLink() throws {
        var contents = LayerContents()
        try contents.add(TarEntry(path: "lib", kind: .symbolicLink(to: "/etc")))
        #expect(throws: OCIError(.unsafe, "lib/passwd goes through lib, which is no folder")) {
            try contents.add(TarEntry(path: "lib/passwd", size: 0))
        }
        #expect(throws: OCIError.self) { try contents.add(TarEntry(path: "null", kind: .other(0x33))) }
    }

    @Test("a layer that unfolds to more than allowed is refused before it does")
    func bomb() async throws {
        let bytes = try Tool.bytes("sh", ["-c", "head -c 20000000 /dev/zero | gzip -9"])
        let gzip = try GzipReader(limit: 1 << 20)
        #expect(throws: OCIError(.tooLarge, "the layer unfolds to more than 1048576 bytes")) {
            try gzip.read(bytes[...]) { _ in }
        }
    }
}
