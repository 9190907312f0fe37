public import Blobs
internal import Protobuf
internal import Tar

/// An image as one tar archive that is both an OCI layout and what `docker load` reads: the same parts, named twice.
public struct ImageArchive: Sendable {
    private let manifestBytes: [UInt8]
    private let manifest: Manifest
    private let name: ImageReference?
    private let store: any BlobStore

    /// - Parameter name: what the image is called where it is loaded; nothing leaves it nameless.
    public init(_ manifestBytes: [UInt8], of manifest: Manifest, name: ImageReference?, from store: any BlobStore) {
        self.manifestBytes = manifestBytes
        self.manifest = manifest
        self.name = name
        self.store = store
    }

    /// Hands the archive on piece by piece. The parts must stay in the store meanwhile.
    /// - Throws: what `write` throws, and what the store throws.
    public func write(_ write: (ArraySlice<UInt8>) async throws -> Void) async throws {
        let digest = try BlobHasher.digest(manifestBytes)
        func file(_ path: String, _ bytes: [UInt8]) async throws {
            try await write(TarHeader.bytes(of: TarEntry(path: path, size: Int64(bytes.count)))[...])
            try await write(bytes[...])
            try await write(TarHeader.padding(after: Int64(bytes.count))[...])
        }
        for folder in ["blobs", "blobs/sha256"] {
            try await write(TarHeader.bytes(of: TarEntry(path: folder, kind: .folder))[...])
        }
        try await file(Self.path(digest), manifestBytes)
        var seen: Set<BlobDigest> = []
        for part in [manifest.configuration] + manifest.layers where seen.insert(part.digest).inserted {
            try await write(TarHeader.bytes(of: TarEntry(path: Self.path(part.digest), size: part.size))[...])
            try await store.withBlob(part.digest) { reader in
                for try await piece in reader.verifiedChunks() { try await write(piece) }
            }
            try await write(TarHeader.padding(after: part.size)[...])
        }
        try await file("index.json", index(digest))
        try await file("manifest.json", dockerManifest())
        try await file("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        try await write(TarHeader.end[...])
    }

    private static func path(_ digest: BlobDigest) -> String { "blobs/sha256/\(digest.hexadecimal)" }

    private func index(_ digest: BlobDigest) -> [UInt8] {
        var pointer = Descriptor(
            mediaType: manifest.mediaType, digest: digest, size: Int64(manifestBytes.count))
        if let name {
            pointer.annotations = [
                "io.containerd.image.name": "\(name)", "org.opencontainers.image.ref.name": name.tag ?? "latest",
            ]
        }
        return ImageIndex(manifests: [pointer]).json
    }

    private func dockerManifest() -> [UInt8] {
        var json = JSONWriter()
        func texts(_ key: String, _ values: [String]) {
            json.key(key)
            json.beginArray()
            for value in values {
                json.element()
                json.string(value)
            }
            json.endArray()
        }
        json.beginArray()
        json.element()
        json.beginObject()
        json.key("Config")
        json.string(Self.path(manifest.configuration.digest))
        texts("Layers", manifest.layers.map { Self.path($0.digest) })
        texts("RepoTags", name.map { ["\($0.registry)/\($0.repository):\($0.tag ?? "latest")"] } ?? [])
        json.endObject()
        json.endArray()
        return json.bytes
    }
}
