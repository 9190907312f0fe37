public import Blobs
public import Loop
public import Postgres
public import ServiceKit

/// Removes what nobody needs any more: uploads that were abandoned, blobs that no version names, answers to requests that
/// nobody will repeat. Any number of instances may run; one at a time collects.
///
/// Why nothing that is used gets lost. `Models.Register` pins each blob of files that are new, and lets go when the version
/// that names them is committed; files that are known already are named by their set, which it holds until then. An upload
/// pins its blob when it is finished, and lets go when the
/// row that says so is committed; a download holds its blob open, and one of many files touches each of them first.
///
/// - Who holds a blob while the collector comes to it keeps it: the store removes none that is held.
/// - Who held it and let go has moved its time twice, when the pin was taken and when it ended. The collector takes a blob's
///   time before it asks the tables, and removes it only where the time is still that one. So where the answer is too old
///   to know of what was committed under a pin, the blob stays. Only a process that is killed between its COMMIT and the
///   end of its pin moves nothing; what it pinned is too young to be looked at for `keep`, which is far longer.
/// - The row of an upload that is done counts as a reference for `keep`. A registration that saw it just before it went
///   either pins the blob before it is removed, and then it stays, or does not find it, and is refused with the digests to
///   send again. Nothing is registered whose bytes may go.
/// - An upload that is being written is locked in the store. That its row may go meanwhile does no harm: `done` writes it
///   anew.
///
/// The lock is for the sake of the disk, not of correctness: two collections at once would only do the work twice.
public final class FileKeeper: Service {
    public let serviceName = "file keeper"
    private let pool: PostgresPool
    private let store: any BlobStore
    private let settings: FileSettings
    private let metrics: FileMetrics
    private let log: Logger
    private let loop: EventLoop

    /// - Parameter loop: whose clock says when the next collection is due.
    public init(
        _ pool: PostgresPool, store: any BlobStore, settings: FileSettings = FileSettings(), metrics: FileMetrics,
        log: Logger = .silent, loop: EventLoop
    ) {
        self.pool = pool
        self.store = store
        self.settings = settings
        self.metrics = metrics
        self.log = log
        self.loop = loop
    }

    /// What one collection removed.
    public struct Report: Sendable, Equatable {
        public var requests = 0
        /// Rows of uploads; of those that were not done the store's part is among `blobs.removedUploads`.
        public var uploads = 0
        public var blobs = BlobCollection()
    }

    /// Collects now and then until the service stops. A collection that fails is logged, and the next one tries again.
    public func run() async throws {
        try await RepeatedWork.run(every: settings.collectionInterval, on: loop) { [log] error in
            log.warning("the collection of files failed", ["error": "\(error)"])
        } _: { [self] in
            _ = try await collect()
        }
    }

    /// One collection; nil where another instance is at it.
    /// - Throws: `PostgresError`, `BlobError`; what was removed until then stays removed.
    public func collect() async throws -> Report? {
        let started = loop.clock.now
        do {
            let report = try await pool.alone("slipway registry files") { try await collectAlone() }
            metrics.collections.with(report == nil ? "skipped" : "done").add()
            guard let report else { return nil }
            let duration = started.duration(to: loop.clock.now)
            metrics.collectionSeconds.set(Double(duration.wholeNanoseconds) / 1e9)
            note(report, duration)
            return report
        } catch {
            metrics.collections.with("failed").add()
            throw error
        }
    }

    private func collectAlone() async throws -> Report {
        var report = Report()
        let age = Double(settings.keep.wholeNanoseconds) / 1e9
        report.requests = try await pool.execute(
            "DELETE FROM registry.requests WHERE at <= now() - make_interval(secs => \(age))")
        report.uploads = try await pool.execute(
            "DELETE FROM registry.uploads WHERE updated <= now() - make_interval(secs => \(age))")
        let catalogue = FileCatalogue(pool: pool)
        report.blobs = try await store.collect(olderThan: settings.keep) { try await catalogue.referenced($0) }
        return report
    }

    private func note(_ report: Report, _ duration: Duration) {
        metrics.removedBlobs.add(report.blobs.removed.count)
        metrics.removedBytes.add(Int(report.blobs.removedBytes))
        metrics.removedUploads.add(report.blobs.removedUploads)
        log.log(
            report == Report() || report.blobs.removed.isEmpty && report.uploads == 0 ? .debug : .info,
            "collected what nobody needs",
            [
                "examined": "\(report.blobs.examined)", "blobs": "\(report.blobs.removed.count)",
                "bytes": "\(report.blobs.removedBytes)", "held": "\(report.blobs.held)",
                "uploads": "\(report.blobs.removedUploads)", "rows": "\(report.uploads)",
                "requests": "\(report.requests)", "duration": "\(duration)",
            ])
    }
}
