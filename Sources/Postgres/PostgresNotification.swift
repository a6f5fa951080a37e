// Decides what a notification carries.

/// One `NOTIFY` that arrived.
public struct PostgresNotification: Sendable, Hashable {
    /// The channel it was sent on.
    public var channel: String
    /// What was sent; may be empty.
    public var payload: String
    /// The server process that sent it.
    public var processID: Int32
}
