import ServiceKit

/// What is counted of files.
public struct FileMetrics: Sendable {
    let uploadedBytes: Counter
    let downloadedBytes: Counter
    let uploadsDone: Counter
    let damagedFiles: Counter
    let removedBlobs: Counter
    let removedBytes: Counter
    let removedUploads: Counter
    let collectionSeconds: Gauge
    let collections: MetricFamily<Counter>

    /// Once per registry: metrics have names of their own.
    public init(_ registry: MetricsRegistry) {
        uploadedBytes = registry.counter("slipway_registry_uploaded_bytes_total", "Bytes of files that came in.")
        downloadedBytes = registry.counter("slipway_registry_downloaded_bytes_total", "Bytes of files that were sent.")
        uploadsDone = registry.counter("slipway_registry_uploads_done_total", "Uploads that became blobs.")
        damagedFiles = registry.counter(
            "slipway_registry_damaged_files_total", "Downloads that found other bytes than the digest says, or none.")
        removedBlobs = registry.counter("slipway_registry_removed_blobs_total", "Blobs that no version named.")
        removedBytes = registry.counter("slipway_registry_removed_bytes_total", "Bytes of blobs that no version named.")
        removedUploads = registry.counter("slipway_registry_removed_uploads_total", "Uploads that were abandoned.")
        collectionSeconds = registry.gauge("slipway_registry_collection_seconds", "How long the last collection took.")
        collections = registry.counters(
            "slipway_registry_collections_total", "Collections by what became of them.", labels: ["outcome"])
    }
}
