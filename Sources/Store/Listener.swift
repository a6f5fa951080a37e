// Hears notices on a connection of its own, and says so when some may have been missed.

public import Logging
public import Postgres

/// What a listener hears.
public struct Notice: Sendable, Hashable {
    /// Where.
    public var channel: Channel
    /// Ids, in the meaning of the channel; empty when notices may have been missed: look for
    /// yourself.
    public var ids: [Int64]
}

/// A standing LISTEN, made again whenever its connection is lost.
public struct Listener: Sendable {
    private let configuration: PostgresConfiguration
    private let channels: [Channel]
    private let logger: Logger

    /// Listens on `channels` while ``run(_:)`` runs.
    public init(configuration: PostgresConfiguration, channels: [Channel], logger: Logger) {
        self.configuration = configuration
        self.channels = channels
        self.logger = logger
    }

    /// Listens until cancelled.
    ///
    /// - Parameter body: Called for every notice; notices of one channel come one after the other.
    public func run(_ body: @escaping @Sendable (Notice) async -> Void) async {
        var wait = Duration.milliseconds(100)
        while !Task.isCancelled {
            do {
                let connection = try await PostgresConnection.connect(
                    self.configuration,
                    logger: self.logger
                )
                wait = .milliseconds(100)
                await self.listen(connection, body)
                await connection.close()
            } catch {
                self.logger.debug("listener waits", metadata: ["reason": "\(error.message)"])
            }
            try? await Task.sleep(for: wait)
            wait = min(wait * 2, .seconds(5))
        }
    }

    private func listen(
        _ connection: PostgresConnection,
        _ body: @escaping @Sendable (Notice) async -> Void
    ) async {
        await withDiscardingTaskGroup { group in
            for channel in self.channels {
                group.addTask {
                    do {
                        let notifications = try await connection.listen(channel.rawValue)
                        await body(Notice(channel: channel, ids: []))
                        for try await notification in notifications {
                            let ids = notification.payload.split(separator: ",").compactMap {
                                Int64($0)
                            }
                            await body(Notice(channel: channel, ids: ids))
                        }
                    } catch {
                        self.logger.debug("listening ended", metadata: ["reason": "\(error)"])
                    }
                }
            }
        }
    }
}
