public import Blobs
internal import Protobuf
internal import Tar

/// An image as one tar archive that is both an OCI layout and what `docker load` reads: the same parts, named twice.
public struct ImageArchive: Sendable {
    private let manifestBytes: [UInt8]
    private let manifest: Manifest
    private let name: ImageReference?
    private let isForDocker: Bool
    let store: any BlobStore

    /// - Parameters:
    ///   - name: what the image is called where it is loaded; nothing leaves it nameless.
    ///   - isForDocker: false leaves out what only `docker load` reads: an OCI layout and nothing else.
    public init(
        _ manifestBytes: [UInt8], of manifest: Manifest, name: ImageReference?, isForDocker: Bool = true,
        from store: any BlobStore
    ) {
        self.isForDocker = isForDocker
        self.manifestBytes = manifestBytes
        self.manifest = manifest
        self.name = name
        self.store = store
    }

    /// Hands the archive on piece by piece. The parts must stay in the store meanwhile.
    /// - Throws: what `write` throws, and what the store throws.
    public func write(_ write: (ArraySlice<UInt8>) async throws -> Void) async throws {
        for member in try members {
            try await write(TarHeader.bytes(of: member.entry)[...])
            switch member.contents {
            case .none: break
            case .bytes(let bytes): try await write(bytes[...])
            case .blob(let digest):
                try await store.withBlob(digest) { reader in
                    guard reader.info.size == member.entry.size else {
                        throw OCIError(.corrupt, "\(digest) has \(reader.info.size) bytes, not \(member.entry.size)")
                    }
                    for try await piece in reader.verifiedChunks() { try await write(piece) }
                }
            }
            let padding = TarHeader.padding(after: member.entry.size)
            if !padding.isEmpty { try await write(padding[...]) }
        }
        try await write(TarHeader.end[...])
    }

    /// How long the archive is.
    /// - Throws: `BlobError` where the digest of the manifest can't be had.
    public var size: Int64 {
        get throws {
            try members.reduce(Int64(TarHeader.end.count)) { sum, member in
                sum + Int64(TarHeader.bytes(of: member.entry).count) + TarHeader.paddedSize(member.entry.size)
            }
        }
    }

    enum Contents {
        case none
        case bytes([UInt8])
        case blob(BlobDigest)
    }

    var members: [(entry: TarEntry, contents: Contents)] {
        get throws {
            func file(_ path: String, _ bytes: [UInt8]) -> (entry: TarEntry, contents: Contents) {
                (TarEntry(path: path, size: Int64(bytes.count)), .bytes(bytes))
            }
            let digest = try BlobHasher.digest(manifestBytes)
            var members: [(entry: TarEntry, contents: Contents)] = ["blobs", "blobs/sha256"].map {
                (TarEntry(path: $0, kind: .folder), .none)
            }
            members.append(file(Self.path(digest), manifestBytes))
            var seen: Set<BlobDigest> = []
            for part in [manifest.configuration] + manifest.layers where seen.insert(part.digest).inserted {
                members.append((TarEntry(path: Self.path(part.digest), size: part.size), .blob(part.digest)))
            }
            members.append(file("index.json", index(digest)))
            if isForDocker { members.append(file("manifest.json", dockerManifest())) }
            members.append(file("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)))
            return members
        }
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
