// Decides how many connections a pool keeps and how long it waits for one.

/// Settings of a pool.
public struct PostgresPoolConfiguration: Sendable {
    /// How each connection is made.
    public var connection: PostgresConfiguration
    /// Connections at once. Default 16.
    public var connectionsMax: Int = 16
    /// Connections kept open although nobody uses them. Default 2.
    public var connectionsIdleMin: Int = 2
    /// After how long without use a connection beyond `connectionsIdleMin` is closed. Default 60 s.
    public var idleTimeout: Duration = .seconds(60)
    /// How long `withConnection` waits for a free connection. Default 10 s.
    public var acquireTimeout: Duration = .seconds(10)
    /// Callers waiting for a connection; one more is refused. Default 16,384.
    public var waitersMax: Int = 16_384
    /// The pause after the first failed attempt to connect; doubles with each. Default 100 ms.
    public var backoffMin: Duration = .milliseconds(100)
    /// The longest pause between attempts. Default 5 s.
    public var backoffMax: Duration = .seconds(5)

    /// Describes a pool of connections made by `connection`, with the defaults above.
    public init(connection: PostgresConfiguration) { self.connection = connection }
}
