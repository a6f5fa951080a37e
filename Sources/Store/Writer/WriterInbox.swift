// What actors hand to the writer: put without waiting for its turn, taken a batch at a time.

internal import PulserIR
internal import Synchronization

/// Runs that a lane wants.
struct ClaimRequest: Sendable {
    var wants: [ClaimWant]
    var adopting: [RunID]
}

typealias ClaimAnswer = Result<[ClaimedRun], StoreError>

/// A request for runs, and who is told what came of it.
struct PendingClaim: Sendable {
    var request: ClaimRequest
    var answer: @Sendable (ClaimAnswer) -> Void
}

/// The writer's inbox. Bounded by its senders: each waits for the answer to what it put.
final class WriterInbox: Sendable {
    /// What waits.
    struct Work {
        var submissions: [Submission] = []
        var claims: [PendingClaim] = []
        /// Logs with events that nobody waits for.
        var logs: [Int64: LaneLog] = [:]

        var isEmpty: Bool {
            self.submissions.isEmpty && self.claims.isEmpty && self.logs.isEmpty
        }
    }

    private struct State {
        var work = Work()
        var wake: CheckedContinuation<Void, Never>?
        var isEnded = false
    }

    private let state = Mutex(State())

    /// - Returns: False when the writer has ended: nothing is taken any more.
    func put(_ submission: Submission) -> Bool {
        self.put { $0.submissions.append(submission) }
    }

    func put(_ claim: PendingClaim) -> Bool { self.put { $0.claims.append(claim) } }

    func put(_ log: LaneLog) { _ = self.put { $0.logs[log.lane] = log } }

    private func put(_ change: (inout Work) -> Void) -> Bool {
        let (isTaken, wake) = self.state.withLock { state in
            guard !state.isEnded else { return (false, nil as CheckedContinuation<Void, Never>?) }
            change(&state.work)
            defer { state.wake = nil }
            return (true, state.wake)
        }
        wake?.resume()
        return isTaken
    }

    /// Takes what waits, at most `limit` submissions of it; waits until there is something. Claims, which
    /// take over runs where there are submissions too, come after all that was put before them.
    ///
    /// - Returns: `nil` when the task was cancelled.
    func take(atMost limit: Int) async -> Work? {
        while !Task.isCancelled {
            let work = self.state.withLock { state -> Work in
                var taken = Work()
                swap(&taken, &state.work)
                if taken.submissions.count > limit {
                    state.work.submissions = Array(taken.submissions[limit...])
                    taken.submissions.removeSubrange(limit...)
                    swap(&state.work.claims, &taken.claims)
                }
                return taken
            }
            if !work.isEmpty { return work }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isDue = self.state.withLock { state in
                        if !state.work.isEmpty || Task.isCancelled { return true }
                        state.wake = continuation
                        return false
                    }
                    if isDue { continuation.resume() }
                }
            } onCancel: {
                let wake = self.state.withLock { state in
                    defer { state.wake = nil }
                    return state.wake
                }
                wake?.resume()
            }
        }
        return nil
    }

    /// Takes nothing more.
    ///
    /// - Returns: What waited.
    func end() -> Work {
        self.state.withLock { state in
            state.isEnded = true
            var left = Work()
            swap(&left, &state.work)
            return left
        }
    }
}
