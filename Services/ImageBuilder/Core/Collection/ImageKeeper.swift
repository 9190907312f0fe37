public import Blobs
public import Loop
public import Postgres
public import ServiceKit

/// Removes what nobody needs any more: images that were deleted a while ago, what is only remembered, source trees that no
/// build took up, and at last the blobs that nothing names. Any number of instances may run; one at a time collects.
///
/// Why nothing that is used gets lost:
///
/// - Whoever uses a blob holds it: a build pins each part until the image that names it is committed, a pull has the blob
///   open, a push and an export pin all parts of the image. The store removes none that is held, in whatever process.
/// - Who held a blob and let go has moved its time. The collector takes a blob's time before it asks the tables and
///   removes it only where that is still its time: an answer that is too old to know of what was committed under a pin
///   removes nothing. Only a process that is killed moves no time; what it pinned is too young to be looked at for
///   `CollectionSettings.blobs`, which is far longer than from a pin to its commit.
/// - A build that is killed and run again finds what it had: `build_blobs` counts for as long as its activity goes on.
/// - A remembered layer, lock or tree is not believed: the build pins what it names, and where that is gone makes it anew.
///   So that it may be forgotten at any moment.
/// - Between the names of an image in the tables and its bytes nothing comes: the row goes first, its bytes a collection
///   later. A pull that saw the row and comes too late gets what one gets who asks for an image that is not there.
public final class ImageKeeper: Service {
    public let serviceName = "image keeper"
    private let pool: PostgresPool
    private let store: any BlobStore
    private let settings: CollectionSettings
    private let log: Logger
    private let loop: EventLoop
    private let removedBlobs: Counter
    private let removedBytes: Counter
    private let purgedImages: Counter
    private let references: ImageReferences

    /// - Parameter loop: whose clock says when the next collection is due.
    public init(
        _ pool: PostgresPool, store: any BlobStore, settings: CollectionSettings = CollectionSettings(),
        metrics: MetricsRegistry, log: Logger = .silent, loop: EventLoop
    ) {
        self.pool = pool
        self.store = store
        self.settings = settings
        self.log = log
        self.loop = loop
        references = ImageReferences(pool: pool)
        removedBlobs = metrics.counter("slipway_images_collected_blobs_total", "blobs that nothing named, removed")
        removedBytes = metrics.counter("slipway_images_collected_bytes_total", "bytes of the blobs that were removed")
        purgedImages = metrics.counter("slipway_images_purged_total", "deleted images that were removed for good")
    }

    /// What one collection removed.
    public struct Report: Sendable, Equatable {
        public var images = 0
        /// Layers and locks that were remembered.
        public var memories = 0
        public var sources = 0
        public var blobs = BlobCollection()
    }

    /// Collects now and then until the service stops. A collection that fails is logged, and the next one tries again.
    public func run() async throws {
        try await RepeatedWork.run(every: settings.interval, on: loop) { [log] error in
            log.warning("the collection of images failed", ["error": "\(error)"])
        } _: { [self] in
            _ = try await collect()
        }
    }

    /// One collection; nil where another instance is at it.
    /// - Throws: `PostgresError`, `BlobError`; what was removed until then stays removed.
    public func collect() async throws -> Report? {
        let report = try await pool.alone("slipway image files") { try await collectAlone() }
        guard let report else { return nil }
        purgedImages.add(report.images)
        removedBlobs.add(report.blobs.removed.count)
        removedBytes.add(Int(report.blobs.removedBytes))
        log.log(
            report.images == 0 && report.sources == 0 && report.blobs.removed.isEmpty ? .debug : .info,
            "collected what no image needs",
            [
                "images": "\(report.images)", "memories": "\(report.memories)", "sources": "\(report.sources)",
                "examined": "\(report.blobs.examined)", "blobs": "\(report.blobs.removed.count)",
                "bytes": "\(report.blobs.removedBytes)", "held": "\(report.blobs.held)",
            ])
        return report
    }

    private func collectAlone() async throws -> Report {
        var report = Report()
        report.images = try await references.purgeImages(deletedFor: settings.images)
        report.memories = try await references.forgetLayers(unusedFor: settings.layers)
        report.sources = try await references.forgetSources(unusedFor: settings.sources)
        let locked = try await references.lockedFiles()
        report.blobs = try await store.collect(olderThan: settings.blobs) { [references] digests in
            try await references.named(digests.filter { !locked.contains($0) }).union(locked.intersection(digests))
        }
        return report
    }
}
