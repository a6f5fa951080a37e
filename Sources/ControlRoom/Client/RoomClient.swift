// What a command works with: the store, and how to hear what happens.

import Logging
public import Postgres
public import Store

/// A door to a room.
public struct RoomClient: Sendable {
    /// Durable state.
    public let store: Store
    /// How connections of its own are made.
    public let connection: PostgresConfiguration
    /// Where artifacts over 1 MiB lie.
    public let artifacts: String
    /// Whether this process is the node.
    public let isNode: Bool
    let logger: Logger

    /// Hears when logs grow.
    public func listener(_ channels: [Channel]) -> Listener {
        Listener(configuration: self.connection, channels: channels, logger: self.logger)
    }
}
