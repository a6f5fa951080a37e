// Decides which numbers this module reports, and under which names.

internal import Metrics
internal import PulserIR

/// The module's metrics; labels are closed sets.
enum ExecutionMetrics {
    /// Runs taken for execution, taken over ones included.
    static let claims = Counter(label: "ops_execution_claims_total")

    /// Runs that crashed and were taken up again.
    static let restarts = Counter(label: "ops_execution_restarts_total")

    /// Times that a lane had to rest, because too much failed in it or in its session.
    static let rests = Counter(label: "ops_execution_rests_total")

    /// News that lanes heard by a call, on this node or another one.
    static func news(isHere: Bool) -> Counter { isHere ? Self.newsHere : Self.newsThere }

    private static let newsHere = Counter(
        label: "ops_execution_news_total",
        dimensions: [("owner", "here")]
    )
    private static let newsThere = Counter(
        label: "ops_execution_news_total",
        dimensions: [("owner", "elsewhere")]
    )

    /// News that no call brought in time; the database's notice did.
    static let newsLate = Counter(label: "ops_execution_news_late_total")

    /// Runs that ended here, by status.
    static func runs(_ status: RunStatus) -> Counter {
        Counter(label: "ops_execution_runs_total", dimensions: [("status", status.rawValue)])
    }

    /// Step attempts that came to a result, by state.
    static func attempts(_ state: StepRecord.State) -> Counter {
        Counter(label: "ops_execution_attempts_total", dimensions: [("state", state.rawValue)])
    }
}
