// Decides the figures of supervision.

public import PulserIR

/// How often children are restarted, and when their supervisor gives up. The intensity is that of
/// Erlang's supervisors, wide enough for one bad child and narrow enough for a bad node.
public struct SupervisionRules: Sendable, Hashable {
    /// The most restarts of all children within ``window``; one more escalates. Default 5.
    public var restartsMax = 5
    /// The time in which restarts are counted. Default 60 s.
    public var window: Duration = .seconds(60)
    /// How many crashes in a row make a child poison: it is isolated and not started again.
    /// Default 3, less than ``restartsMax``, so that one child alone brings nobody else down.
    public var crashesMax = 3
    /// How long a child must live for its earlier crashes to be forgotten. Default 60 s.
    public var stable: Duration = .seconds(60)
    /// How long to wait before a restart: 100 ms, doubled each time, at most 10 s, spread by a fifth.
    public var backoff = RetryPolicy(
        backoffMilliseconds: 100,
        multiplier: 2,
        jitter: 0.2
    )

    /// The usual figures.
    public init() { self.backoff.backoffMillisecondsMax = 10_000 }
}
