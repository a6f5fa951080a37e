// The node's monotonic clock as the machines take it.

/// Time since the process looked at it first. Never goes back, and goes on while the process is stopped.
public enum NodeClock {
    private static let origin = ContinuousClock.now

    /// Now.
    public static var now: Duration { Self.origin.duration(to: .now) }

    /// When the clock shows `time`.
    public static func instant(_ time: Duration) -> ContinuousClock.Instant {
        Self.origin.advanced(by: time)
    }
}
