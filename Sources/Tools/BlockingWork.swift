// Where work runs that may block: file reads, hashes, patterns. Never on the cooperative pool.

import Dispatch
import Synchronization

/// Work that may block its thread.
public enum BlockingWork {
    /// A queue for each piece: those get a thread however many others compute. The threads of one
    /// concurrent queue are as few as the cores, and two endless patterns would hold up everything.
    private static var queue: DispatchQueue { DispatchQueue(label: "opsroom.tools.blocking") }

    /// Runs `body` on a thread of its own kind and waits for it without holding the caller's.
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value
    {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: body()) }
        }
    }

    /// Runs `body`, but waits no longer than until `deadline`; `nil` when it was not done by then.
    ///
    /// Nothing can stop a regular expression half-way; its thread goes on until it is done.
    static func run<Value: Sendable>(
        until deadline: ContinuousClock.Instant,
        _ body: @escaping @Sendable () -> Value
    ) async -> Value? {
        let left = max(.zero, ContinuousClock.now.duration(to: deadline))
        let seconds = min(left, .seconds(86_400))
        return await withCheckedContinuation { continuation in
            let answer = Answer<Value>(continuation)
            Self.queue.async { answer.give(body()) }
            Self.timers.asyncAfter(deadline: .now() + .milliseconds(Int(seconds.milliseconds))) {
                answer.give(nil)
            }
        }
    }

    private static let timers = DispatchQueue(label: "opsroom.tools.timers")

    /// A continuation that the first answer resumes.
    private final class Answer<Value: Sendable>: Sendable {
        private let continuation: Mutex<CheckedContinuation<Value?, Never>?>

        init(_ continuation: CheckedContinuation<Value?, Never>) {
            self.continuation = Mutex(continuation)
        }

        func give(_ value: Value?) {
            let waiting = self.continuation.withLock { slot in
                defer { slot = nil }
                return slot
            }
            waiting?.resume(returning: value)
        }
    }
}
