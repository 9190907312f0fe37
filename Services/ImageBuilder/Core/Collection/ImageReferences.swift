public import Blobs

/// What the tables of images, source trees, environments and layers say of blobs, for the collector.
public protocol ImageReferences: Sendable {
    /// Removes images for good that were deleted so long ago, each with its row in the journal.
    /// - Returns: how many.
    func purgeImages(deletedFor age: Duration) async throws -> Int

    /// Forgets what was only remembered: layers and environments that no build took up for so long.
    func forgetLayers(unusedFor age: Duration) async throws -> Int

    /// Forgets source trees that no build took up for so long, and that no image names.
    func forgetSources(unusedFor age: Duration) async throws -> Int

    /// Which of these something names: an image (deleted and kept, too), a source tree, a remembered layer, a lock's file,
    /// or a build that is under way.
    func referenced(_ digests: [BlobDigest]) async throws -> Set<BlobDigest>
}
