// How a run hears: messages in order, for one reader, without a stream's cost for each run.

internal import Synchronization

/// Messages for one reader.
///
/// Unbounded: its senders are the run's own steps, each with one message under way, and persons. A
/// reader is woken by its next message only, also when its task is cancelled: who ends it sends one.
final class Mailbox<Message: Sendable>: Sendable {
    private struct State {
        var waiting: [Message] = []
        /// How many of them were read.
        var read = 0
        var reader: CheckedContinuation<Message, Never>?
    }

    private let state = Mutex(State())

    /// Adds a message. What comes after the reader's last look is of no use to anybody.
    func send(_ message: Message) {
        let reader = self.state.withLock { state in
            defer { state.reader = nil }
            if state.reader == nil { state.waiting.append(message) }
            return state.reader
        }
        reader?.resume(returning: message)
    }

    /// The next message; waits for it.
    nonisolated(nonsending) func next() async -> Message {
        if let message = self.state.withLock({ Self.take(&$0) }) { return message }
        return await withCheckedContinuation { reader in
            let message = self.state.withLock { state in
                let message = Self.take(&state)
                if message == nil { state.reader = reader }
                return message
            }
            if let message { reader.resume(returning: message) }
        }
    }

    private static func take(_ state: inout State) -> Message? {
        guard state.read < state.waiting.count else { return nil }
        let message = state.waiting[state.read]
        state.read += 1
        if state.read == state.waiting.count {
            state.waiting.removeAll(keepingCapacity: true)
            state.read = 0
        }
        return message
    }
}
