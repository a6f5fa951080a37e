// Decides where what blocks runs: on a thread of its own, never in the pool that serves it.

import Foundation

/// Runs `body` on a new thread and waits for it.
///
/// What fails there is thrown: an expectation macro on that thread would not know its test.
public func onOwnThread<Outcome: Sendable>(
    _ body: @escaping @Sendable () throws -> Outcome
) async throws -> Outcome {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}
