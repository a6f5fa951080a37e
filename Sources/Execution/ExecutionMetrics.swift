// Decides which numbers this module reports, and under which names.

internal import Metrics
internal import PulserIR
internal import Store

/// The module's metrics; labels are closed sets.
enum ExecutionMetrics {
    /// Runs taken for execution, taken over ones included.
    static let claims = Counter(label: "ops_execution_claims_total")

    /// How long runs waited for their first claim.
    static let claimWait = Timer(label: "ops_execution_claim_wait_seconds")

    /// Runs that were handed to workers outside.
    static let handed = Counter(label: "ops_execution_handed_total")

    /// Results of workers outside that were accepted.
    static let workerResults = Counter(label: "ops_execution_worker_results_total")

    /// Workers outside that were not heard of any more while they had a run.
    static let workersLost = Counter(label: "ops_execution_workers_lost_total")

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

    /// Ticks of schedules that were decided about: `fired`, or why they got no run.
    static func ticks(_ outcome: String) -> Counter {
        Counter(label: "ops_execution_ticks_total", dimensions: [("outcome", outcome)])
    }

    /// Schedules that were paused because they could not go on.
    static let schedulesPaused = Counter(label: "ops_execution_schedules_paused_total")

    /// Runs that ended here, by status.
    static func runs(_ status: RunStatus) -> Counter? { Self.runCounters[status] }

    // Made once: looking a counter up by its labels costs more than counting.
    private static let runCounters = Dictionary(
        uniqueKeysWithValues: RunStatus.allCases.map {
            (
                $0,
                Counter(label: "ops_execution_runs_total", dimensions: [("status", $0.rawValue)])
            )
        }
    )

    /// Days of history that were dropped, by kind.
    static func dropped(_ kind: HistoryKind) -> Counter {
        Counter(label: "ops_execution_history_dropped_total", dimensions: [("kind", kind.rawValue)])
    }

    /// Step attempts that came to a result, by state.
    static func attempts(_ state: StepRecord.State) -> Counter? { Self.attemptCounters[state] }

    private static let attemptCounters = Dictionary(
        uniqueKeysWithValues: StepRecord.State.allCases.map {
            (
                $0,
                Counter(label: "ops_execution_attempts_total", dimensions: [("state", $0.rawValue)])
            )
        }
    )
}
