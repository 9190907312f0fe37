package import Loop
package import ServiceKit
internal import Blobs
internal import Postgres

/// Removes images that no revision needs, and then the bytes that no image names. Any number of instances may run; one at a
/// time collects.
///
/// Whoever brings an image holds its parts until the rows that name them are committed, and the store removes nothing that
/// is held or was a moment ago. Whoever makes a revision touches the image's row first: the removal waits for it, and finds
/// an image that was used just now.
package final class LocalImageKeeper: Service {
    package let serviceName = "local image keeper"
    private let images: LocalImages
    private let loop: EventLoop
    private let log: Logger
    private let interval: Swift.Duration
    private let age: Swift.Duration

    /// - Parameter age: what is younger stays, whoever needs it or not.
    package init(
        _ images: LocalImages, loop: EventLoop, log: Logger = .silent, interval: Swift.Duration = .seconds(600),
        age: Swift.Duration = .seconds(3600)
    ) {
        self.images = images
        self.loop = loop
        self.log = log
        self.interval = interval
        self.age = age
    }

    package func run() async throws {
        try await RepeatedWork.run(every: interval, on: loop) { [log] error in
            log.warning("the collection of local images failed", ["error": "\(error)"])
        } _: { [self] in
            _ = try await collect()
        }
    }

    /// One collection.
    /// - Returns: how many images and blobs went; nil where another instance is at it.
    /// - Throws: `PostgresError`, `BlobError`; what was removed until then stays removed.
    package func collect() async throws -> (images: Int, blobs: Int)? {
        try await images.pool.alone("slipway local images") {
            let gone = try await images.pool.execute(
                """
                DELETE FROM deployments.local_images AS l
                WHERE l.used <= now() - make_interval(secs => \(age.secondsOfTime)) AND NOT EXISTS (
                    SELECT FROM deployments.revisions AS v JOIN deployments.deployments AS d ON d.id = v.deployment
                    WHERE v.digest = l.digest AND d.deleted IS NULL)
                """)
            let blobs = try await images.store.collect(olderThan: age) { [images] in try await images.held($0) }
            if gone > 0 || !blobs.removed.isEmpty {
                log.info(
                    "collected what no revision needs",
                    ["images": "\(gone)", "blobs": "\(blobs.removed.count)", "bytes": "\(blobs.removedBytes)"])
            }
            return (gone, blobs.removed.count)
        }
    }
}

extension Swift.Duration {
    /// As the database takes spans.
    var secondsOfTime: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
