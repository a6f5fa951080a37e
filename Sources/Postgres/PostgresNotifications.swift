// Decides how notifications reach whoever listens, and how a lost connection ends the listening.

/// The notifications of one channel, from the moment `listen` returned.
///
/// Throws the connection's error when it ends. When the reader falls behind by more than the configuration's
/// `notificationsBufferedMax`, the oldest are dropped: a notification is a hint, the tables are the truth.
public struct PostgresNotifications: AsyncSequence, Sendable {
    /// What is delivered.
    public typealias Element = PostgresNotification
    /// What ends the sequence.
    public typealias Failure = PostgresError

    typealias Stream = AsyncThrowingStream<PostgresNotification, any Error>
    typealias Continuation = Stream.Continuation

    let stream: Stream

    /// Reads the notifications; one reader per sequence.
    public struct AsyncIterator: AsyncIteratorProtocol {
        var base: Stream.AsyncIterator

        /// The next notification; nil after the task was cancelled.
        public mutating func next() async throws(PostgresError) -> PostgresNotification? {
            try await self.next(isolation: #isolation)
        }

        /// The next notification; nil after the task was cancelled.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(PostgresError) -> PostgresNotification? {
            do {
                return try await self.base.next(isolation: actor)
            } catch let error as PostgresError {
                throw error
            } catch {
                throw PostgresError(.connectionLost, "listening ended")
            }
        }
    }

    /// Starts reading.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: self.stream.makeAsyncIterator())
    }
}
