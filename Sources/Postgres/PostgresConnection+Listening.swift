// Decides which channels the connection listens on, and who is told.

extension PostgresConnection {
    /// Listens on `channel`; the sequence ends by throwing when the connection does.
    ///
    /// Ending the reader's task, or dropping the sequence, stops listening.
    public func listen(_ channel: String) async throws(PostgresError) -> PostgresNotifications {
        self.nextExchangeID += 1
        let id = self.nextExchangeID
        let (stream, continuation) = PostgresNotifications.Stream.makeStream(
            // The newest matter: a notification says "look", and looking sees everything before it.
            bufferingPolicy: .bufferingNewest(self.configuration.notificationsBufferedMax)
        )
        self.listeners[channel, default: [:]][id] = continuation
        let poller = self.poller
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            poller.submit { self.assumeIsolated { $0.stopListening(channel, id) } }
        }
        do throws(PostgresError) {
            _ = try await self.perform(
                .query(sql: "LISTEN \(Self.quoted(channel))", values: [], binary: false)
            )
        } catch {
            continuation.finish(throwing: error)
            throw error
        }
        return PostgresNotifications(stream: stream)
    }

    /// Hands out what has arrived.
    func deliverNotifications() {
        while let notification = self.libpq.nextNotification() {
            for continuation in (self.listeners[notification.channel] ?? [:]).values {
                continuation.yield(notification)
            }
        }
    }

    private func stopListening(_ channel: String, _ id: UInt64) {
        guard self.listeners[channel]?.removeValue(forKey: id) != nil,
            self.listeners[channel]?.isEmpty == true
        else { return }
        self.listeners[channel] = nil
        guard self.closeError == nil else { return }
        let sql = "UNLISTEN \(Self.quoted(channel))"
        self.enqueue(self.makeExchange(.query(sql: sql, values: [], binary: false)))
    }

    private static func quoted(_ identifier: String) -> String {
        var text = "\""
        for character in identifier { text += character == "\"" ? "\"\"" : String(character) }
        return text + "\""
    }
}
