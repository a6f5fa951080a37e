// Decides how one connection reaches its server and how long it waits.

/// Settings of one connection.
public struct PostgresConfiguration: Sendable {
    /// A `postgres://` URL or `keyword=value` pairs, handed to libpq unchanged (TLS parameters included).
    public var conninfo: String
    /// What `pg_stat_activity` shows, unless `conninfo` says otherwise. Default `opsroom`.
    public var applicationName: String = "opsroom"
    /// Settings of its sessions as command-line options of the server, `-c name=value`, unless
    /// `conninfo` says otherwise. Default none.
    public var options: String = ""
    /// How long connecting may take, name resolution and TLS included. Default 10 s.
    public var connectTimeout: Duration = .seconds(10)
    /// How long one call may take, from being asked to its answer. Default 30 s.
    public var statementTimeout: Duration = .seconds(30)
    /// How long the server may take to honour a cancellation before the connection is given up. Default 5 s.
    public var cancelTimeout: Duration = .seconds(5)
    /// Calls on the wire at once; more wait in order. Default 64.
    public var pipelineDepthMax: Int = 64
    /// Calls waiting on one connection; one more is refused. Default 16,384.
    public var callsQueuedMax: Int = 16_384
    /// Notifications kept per listener; when full, the oldest is dropped. Default 4,096.
    public var notificationsBufferedMax: Int = 4_096

    /// Describes a connection to `conninfo` with the defaults above.
    public init(conninfo: String) { self.conninfo = conninfo }
}
