import Blobs
import Loop
import OCI
import Tar
import Testing

@Suite("Archives of images")
struct ArchiveTests {
    @Test("skopeo reads an archive as an OCI layout and as what docker loads, with the same layers")
    func skopeo() async throws {
        try await LayerTests.withPool { pool in
            let store = MemoryBlobStore()
            let image = try await DistributionTests.image(in: store, on: pool)
            let folder = try Tool.folder()
            defer { Tool.remove(folder) }
            let name = try ImageReference("localhost/churn:3")
            var bytes: [UInt8] = []
            try await ImageArchive(image.bytes, of: image.manifest, name: name, from: store).write { bytes += $0 }
            let found = try TarTests.read(bytes, by: 1000)
            #expect(found.filter { $0.0.kind == .file }.count == 6)
            _ = try Tool.run("sh", ["-c", "cat > \(folder)/image.tar"], input: bytes)

            let digest = try BlobHasher.digest(image.bytes)
            let layout = try Tool.run("skopeo", ["inspect", "oci-archive:\(folder)/image.tar"])
            #expect(layout.contains("\(digest)"))
            let docker = try Tool.run("skopeo", ["inspect", "--config", "docker-archive:\(folder)/image.tar"])
            #expect(docker.contains("/scorer"))
        }
    }

    @Test("the same image gives the same archive")
    func reproducible() async throws {
        try await LayerTests.withPool { pool in
            let store = MemoryBlobStore()
            let image = try await DistributionTests.image(in: store, on: pool)
            var archives: [[UInt8]] = [[], []]
            for index in archives.indices {
                try await ImageArchive(image.bytes, of: image.manifest, name: nil, from: store)
                    .write { archives[index] += $0 }
            }
            #expect(archives[0] == archives[1])
        }
    }
}
