// Decides which numbers this module reports, and under which names.

internal import Metrics

/// The module's metrics.
enum StoreMetrics {
    /// Time from sending a batch to its acknowledgement, outages included.
    static let batch = Timer(label: "ops_store_batch_seconds")

    /// Submissions of one batch: grows by itself under load.
    static let submissions = Recorder(label: "ops_store_submissions_count")

    /// Writes refused because the work belongs to somebody else.
    static let stale = Counter(label: "ops_store_stale_total")
}
