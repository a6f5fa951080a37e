// Decides which numbers this module reports, and under which names.

import Metrics

/// The module's metrics; labels are statement names and closed sets.
enum PostgresMetrics {
    /// Time from asking to answer, per statement.
    static func exchange(statement: String) -> Timer {
        Timer(label: "ops_postgres_exchange_seconds", dimensions: [("statement", statement)])
    }

    /// Calls that failed, per code.
    static func failures(code: PostgresError.Code) -> Counter {
        Counter(label: "ops_postgres_failures_total", dimensions: [("code", code.rawValue)])
    }

    /// Open connections of a pool.
    static func connectionsOpen() -> Gauge { Gauge(label: "ops_postgres_connections_count") }

    /// Callers waiting for a connection of a pool.
    static func waiters() -> Gauge { Gauge(label: "ops_postgres_waiters_count") }

    /// Time spent waiting for a free connection.
    static func acquire() -> Timer { Timer(label: "ops_postgres_acquire_seconds") }
}
