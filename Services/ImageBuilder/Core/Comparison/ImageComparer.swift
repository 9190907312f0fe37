public import Blobs
public import Contracts
public import Loop
internal import OCI
internal import RPC
internal import Tar

/// Says what differs between two images. Of layers that both have nothing is unfolded but what may decide over a path that
/// differs; of files only their digests are kept.
public struct ImageComparer: ImageComparing {
    /// Files that are listed.
    static let filesMax = 10_000
    /// Entries of layers that are held while two images are compared.
    static let entriesMax = 500_000

    private let store: any BlobStore
    private let reading: LayerReading
    private let entriesMax: Int

    /// - Parameters:
    ///   - pool: where layers are unfolded.
    ///   - entriesMax: of a layer more are not looked at.
    public init(_ store: any BlobStore, on pool: ComputePool) {
        self.init(store, on: pool, entriesMax: ImageComparer.entriesMax)
    }

    init(_ store: any BlobStore, on pool: ComputePool, entriesMax: Int) {
        self.store = store
        self.entriesMax = entriesMax
        reading = LayerReading(store: store, pool: pool)
    }

    /// - Throws: `RPCError` `dataLoss` where a part of an image is gone or damaged.
    public func compare(_ from: StoredImage, _ to: StoredImage) async throws -> Slipway.Images.V1.ImageComparison {
        let (before, after) = (try await ImageParts(of: from, in: store), try await ImageParts(of: to, in: store))
        defer { withExtendedLifetime((before, after)) {} }
        var comparison = Slipway.Images.V1.ImageComparison()
        comparison.layers = ImageComparer.layers(from.image.layers, to.image.layers)
        comparison.packages = ImageComparer.packages(
            from.image.environment?.packages ?? [], to.image.environment?.packages ?? [])
        comparison.settings = ImageSettings.differences(before.configuration, after.configuration)
        let known = Set(([before.manifest.configuration] + before.manifest.layers).map(\.digest))
        var counted = known
        for part in [after.manifest.configuration] + after.manifest.layers
        where counted.insert(part.digest).inserted { comparison.deltaBytes += part.size }
        do {
            try await compareFiles(
                ImageComparer.layers(of: before, from), ImageComparer.layers(of: after, to), &comparison)
        } catch let error as OCIError {
            throw RPCError(.dataLoss, "a layer can't be read: \(error.message)")
        } catch let error as TarError {
            throw RPCError(.dataLoss, "a layer can't be read: \(error.message)")
        } catch let error as BlobError where error.code == .corrupt {
            throw RPCError(.dataLoss, "a layer can't be read: \(error.message)")
        }
        return comparison
    }

    private struct Layer {
        var kind: String
        var descriptor: Descriptor
    }

    private static func layers(of parts: ImageParts, _ image: StoredImage) -> [Layer] {
        var kinds: [String: String] = [:]
        for layer in image.image.layers { kinds[layer.digest] = layer.kind }
        return parts.manifest.layers.map { Layer(kind: kinds["\($0.digest)"] ?? "", descriptor: $0) }
    }

    private func compareFiles(
        _ from: [Layer], _ to: [Layer], _ comparison: inout Slipway.Images.V1.ImageComparison
    ) async throws {
        let (old, new) = (from.map(\.descriptor.digest), to.map(\.descriptor.digest))
        guard old != new else { return }
        var common = Set(old).intersection(new)
        // Layers that both have, in another order: then each of them may decide something else.
        if old.filter(common.contains) != new.filter(common.contains) { common = [] }
        var read: [BlobDigest: LayerListing] = [:]
        func take(_ layers: [Layer], _ isWanted: @escaping @Sendable (String) -> Bool) async throws -> Bool {
            for layer in layers where read[layer.descriptor.digest] == nil {
                guard
                    let found = try await reading.read(layer.descriptor, entriesMax: entriesMax, isWanted: isWanted)
                else { return false }
                read[layer.descriptor.digest] = found.files
                if found.isTruncated { comparison.truncated = true }
            }
            return true
        }
        let differing = (from + to).filter { !common.contains($0.descriptor.digest) }
        guard try await take(differing, { _ in true }) else {
            comparison.truncated = true
            return
        }
        let touched = TouchedPaths(read.values)
        guard try await take(from.filter { common.contains($0.descriptor.digest) }, { touched.contains($0) }) else {
            comparison.truncated = true
            return
        }
        func tree(_ layers: [Layer]) -> ImageTree {
            ImageTree(layers.map { ($0.kind, read[$0.descriptor.digest] ?? LayerListing()) })
        }
        let files = ImageComparer.files(tree(from), tree(to))
        comparison.files = Array(files.prefix(ImageComparer.filesMax))
        if files.count > ImageComparer.filesMax { comparison.truncated = true }
    }
}
