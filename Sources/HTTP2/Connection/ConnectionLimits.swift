// Every bound of a connection, with its unit and the reason for its default.

/// Limits of one connection. Each has a metric and a test.
public struct ConnectionLimits: Sendable {
    /// Streams at once that a peer may open. Default 128.
    public var streamsMax = 128

    /// The defaults.
    public init() {}
}
