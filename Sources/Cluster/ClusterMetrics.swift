// Every metric of calls between nodes, declared once.

internal import Metrics

/// The module's metrics, made once for each system; labels are closed sets.
struct ClusterMetrics: Sendable {
    /// Calls that this node's actors and programs made, to whatever node.
    let calls = Counter(label: "ops_cluster_calls_total")
    /// Calls that came from other nodes.
    let received = Counter(label: "ops_cluster_received_total")
    /// Calls refused because a mailbox, a link or a memory was full.
    let overloads = Counter(label: "ops_cluster_overloads_total")
    /// Calls that were sent once more, after a pause.
    let repeats = Counter(label: "ops_cluster_repeats_total")
    /// Calls that wait in an actor's mailbox when one of them is taken.
    let queue = Recorder(label: "ops_cluster_mailbox_count")
    /// Time from a probe to its answer, through link, mailbox and executor.
    let probe = Timer(label: "ops_cluster_probe_seconds")

    /// How calls ended that failed.
    func failed(_ code: ClusterError.Code) {
        Counter(
            label: "ops_cluster_failures_total",
            dimensions: [("code", "\(code)")]
        ).increment()
    }

    /// Calls that were told to go elsewhere.
    func redirected(_ reason: Redirect.Reason) {
        Counter(
            label: "ops_cluster_redirects_total",
            dimensions: [("reason", "\(reason)")]
        ).increment()
    }

    /// Links that were made, and those that were not.
    func links(_ isReady: Bool) {
        Counter(
            label: "ops_cluster_links_total",
            dimensions: [("outcome", isReady ? "ready" : "failed")]
        ).increment()
    }
}
