// Decides which numbers this module reports, and under which names.

internal import Metrics
internal import PulserIR

/// The module's metrics; labels are closed sets.
enum ExecutionMetrics {
    /// Runs taken for execution, taken over ones included.
    static let claims = Counter(label: "ops_execution_claims_total")

    /// Runs that ended here, by status.
    static func runs(_ status: RunStatus) -> Counter {
        Counter(label: "ops_execution_runs_total", dimensions: [("status", status.rawValue)])
    }

    /// Step attempts that came to a result, by state.
    static func attempts(_ state: StepRecord.State) -> Counter {
        Counter(label: "ops_execution_attempts_total", dimensions: [("state", state.rawValue)])
    }
}
