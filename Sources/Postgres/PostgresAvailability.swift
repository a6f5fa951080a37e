// Decides what a pool says about its server.

/// Whether a pool can reach its server.
public enum PostgresAvailability: Sendable, Hashable {
    /// A connection is open, or nothing has failed yet.
    case available
    /// No connection is open and connecting fails.
    case unavailable(since: ContinuousClock.Instant, reason: String)
}
