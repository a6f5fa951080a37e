// Work that Ctrl-C ends, and what is left to do after it.

import ControlRoom
import Synchronization

enum Interruptible {
    /// Runs `body` until it returns or a signal comes; then `body` is cancelled and waited for.
    ///
    /// - Parameters:
    ///   - interruption: What is thrown after a signal.
    ///   - body: The work.
    /// - Returns: What `body` returned.
    /// - Throws: What `body` threw, or `interruption`.
    static func run<Value: Sendable>(
        _ interruption: RoomError = RoomError(.interrupted, "interrupted"),
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                if await Signals.wait() { throw interruption }
                return nil
            }
            var result: Result<Value, any Error>?
            do {
                while result == nil, let next = try await group.next() {
                    if let next { result = .success(next) }
                }
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
            guard let result else { throw interruption }
            return try result.get()
        }
    }
}

/// The latest of some texts.
final class Latest: Sendable {
    private let text = Mutex<String?>(nil)

    /// Takes a new text; gives the one before.
    func exchange(_ new: String?) -> String? {
        self.text.withLock { text in
            defer { text = new }
            return text
        }
    }
}
