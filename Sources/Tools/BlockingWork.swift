// Where work runs that may block: file reads, hashes, patterns. Never on the cooperative pool.

import Dispatch

/// Work that may block its thread.
enum BlockingWork {
    private static let queue = DispatchQueue(label: "opsroom.tools.blocking", attributes: .concurrent)

    /// Runs `body` on a thread of its own kind and waits for it without holding the caller's.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: body()) }
        }
    }
}
