internal import Blobs
internal import OCI
internal import Glibc

/// A folder of this machine under which OCI layouts lie that images may stand on. Nothing outside of it is read, whatever
/// a path or a link in it says.
public struct LayoutFolder: Sendable {
    private static let documentBytesMax = 4 << 20
    private let path: String

    public init(_ path: String) { self.path = path }

    func bring(_ layout: String, for platform: Platform, into store: any BlobStore) async throws -> BroughtBase {
        let folder = try inside(layout.hasPrefix("/") ? layout : "\(path)/\(layout)")
        let index = try ImageIndex(json: try read("\(folder)/index.json")[...])
        var descriptor = try index.manifest(for: platform)
        var pins: [BlobPin] = []
        var bytes = try read(blob(descriptor.digest, folder))
        if MediaType.indexes.contains(descriptor.mediaType) {
            descriptor = try ImageIndex(json: bytes[...]).manifest(for: platform)
            bytes = try read(blob(descriptor.digest, folder))
        }
        let manifest = try Manifest(json: bytes[...])
        for part in [descriptor, manifest.configuration] + manifest.layers {
            pins.append(try await take(part.digest, folder, into: store))
        }
        let configuration = try ImageConfiguration(
            json: try await store.withBlob(manifest.configuration.digest) {
                try await $0.verifiedBytes(upTo: Self.documentBytesMax)
            }[...])
        return BroughtBase(
            base: BaseIngredient(reference: "oci:\(layout)", manifest: descriptor),
            python: BroughtBase.python(configuration), pins: pins)
    }

    private func blob(_ digest: BlobDigest, _ folder: String) -> String {
        "\(folder)/blobs/sha256/\(digest.hexadecimal)"
    }

    /// The real path of what lies under the folder.
    private func inside(_ path: String) throws -> String {
        guard let real = realpath(path, nil) else { throw BuildFailure("base.missing", "there is no \(path)") }
        defer { free(real) }
        guard let top = realpath(self.path, nil) else {
            throw BuildFailure("base.layout", "there is no folder \(self.path), where this builder has its layouts")
        }
        defer { free(top) }
        let found = String(cString: real)
        guard found.hasPrefix(String(cString: top) + "/") else {
            throw BuildFailure("base.layout", "\(path) is not under \(self.path), where this builder has its layouts")
        }
        return found
    }

    private func read(_ path: String) throws -> [UInt8] {
        do { return try SmallFile.read(try inside(path), upTo: Self.documentBytesMax) } catch let error
            as SmallFile.Failure
        {
            throw BuildFailure("base.damaged", "\(error)")
        }
    }

    private func take(_ digest: BlobDigest, _ folder: String, into store: any BlobStore) async throws -> BlobPin {
        if let pin = try? await store.pin(digest) { return pin }
        let file = open(try inside(blob(digest, folder)), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw BuildFailure("base.damaged", "\(digest) can't be read in the layout") }
        defer { close(file) }
        let upload = try await store.beginUpload()
        do {
            while true {
                try Task.checkCancellation()
                let piece = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                    count = max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
                }
                if piece.isEmpty { break }
                try await upload.append(piece[...], at: upload.offset)
            }
            return try await upload.finish(expecting: digest)
        } catch {
            try? await upload.cancel()
            if let error = error as? BlobError, error.code == .digestMismatch {
                throw BuildFailure("base.damaged", "\(digest) has other bytes in the layout")
            }
            throw error
        }
    }
}
