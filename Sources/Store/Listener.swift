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
    /// On ``Channel/events``: by lane, the number after its last stored event.
    public var ends: [Int64: Int64]

    /// Nothing was said, yet something may have been missed.
    init(missedOn channel: Channel) {
        self.channel = channel
        self.ids = []
        self.ends = [:]
    }

    /// Reads ids, or `id:end` pairs, separated by commas.
    init(_ channel: Channel, payload: String) {
        self.init(missedOn: channel)
        for item in payload.split(separator: ",") {
            let parts = item.split(separator: ":", maxSplits: 1)
            guard let first = parts.first, let id = Int64(first) else { continue }
            self.ids.append(id)
            if parts.count == 2 { self.ends[id] = Int64(parts[1]) }
        }
    }
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
                        await body(Notice(missedOn: channel))
                        for try await notification in notifications {
                            await body(Notice(channel, payload: notification.payload))
                        }
                    } catch {
                        self.logger.debug("listening ended", metadata: ["reason": "\(error)"])
                    }
                }
            }
        }
    }
}
