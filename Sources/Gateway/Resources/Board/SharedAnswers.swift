// Decides which requests for the same costly thing share one answer: those that came before it was begun.

import Synchronization

/// Answers that are computed at most once in a while for each key, however many ask. Nobody is given what was
/// read before they asked: who comes while an answer is computed waits for the next one.
final class SharedAnswers<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Outcome: Sendable {
        case value(Value)
        case failed(any Error)
        /// Who computed it went away.
        case gone
    }

    /// One computation with all who wait for it.
    private final class Round: Sendable {
        private struct State {
            var outcome: Outcome?
            var next = 0
            var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
        }

        private let state = Mutex(State())

        func end(_ outcome: Outcome) {
            let waiters = self.state.withLock { state in
                state.outcome = outcome
                defer { state.waiters = [:] }
                return state.waiters
            }
            for waiter in waiters.values { waiter.resume(returning: outcome) }
        }

        /// Returns with the end, which the bound of the computation sets, or when the task is cancelled.
        func wait() async -> Outcome {
            let key = self.state.withLock { state in
                state.next += 1
                return state.next
            }
            return await withTaskCancellationHandler {
                await withCheckedContinuation { waiter in
                    let outcome: Outcome? = self.state.withLock { state in
                        if let outcome = state.outcome { return outcome }
                        if Task.isCancelled { return .gone }
                        state.waiters[key] = waiter
                        return nil
                    }
                    if let outcome { waiter.resume(returning: outcome) }
                }
            } onCancel: {
                self.state.withLock { $0.waiters.removeValue(forKey: key) }?
                    .resume(returning: .gone)
            }
        }
    }

    private struct State {
        /// Rounds that have not begun.
        var open: [Key: Round] = [:]
        /// When the last of each began.
        var began: [Key: ContinuousClock.Instant] = [:]
    }

    /// Moments that are kept before those that are over are forgotten.
    private static var momentsMax: Int { 64 }

    private let gap: Duration
    private let state = Mutex(State())

    /// - Parameter gap: How long after one computation of a key begins the next may.
    init(gap: Duration) { self.gap = gap }

    /// The answer for `key`, of which `compute` began after this was called.
    func answer(
        for key: Key,
        _ compute: @Sendable () async throws -> Value
    ) async throws -> Value {
        while true {
            try Task.checkCancellation()
            let (round, wait) = self.enter(key)
            guard let wait else {
                switch await round.wait() {
                case .value(let value): return value
                case .failed(let error): throw error
                case .gone: continue
                }
            }
            return try await self.lead(round, key, after: wait, compute)
        }
    }

    /// The round to join, or with a time the one to lead.
    private func enter(_ key: Key) -> (round: Round, wait: Duration?) {
        self.state.withLock { state in
            if let round = state.open[key] { return (round, nil) }
            let round = Round()
            state.open[key] = round
            let next = state.began[key].map { $0 + self.gap }
            return (round, max(.zero, next.map { $0 - .now } ?? .zero))
        }
    }

    private func lead(
        _ round: Round,
        _ key: Key,
        after wait: Duration,
        _ compute: @Sendable () async throws -> Value
    ) async throws -> Value {
        do {
            defer { self.begin(key) }
            if wait > .zero { try await Task.sleep(for: wait) }
        } catch {
            round.end(.gone)
            throw error
        }
        do {
            let value = try await compute()
            round.end(.value(value))
            return value
        } catch {
            round.end(Task.isCancelled ? .gone : .failed(error))
            throw error
        }
    }

    /// Who comes from now on waits for the next round.
    private func begin(_ key: Key) {
        let now = ContinuousClock.now
        self.state.withLock { state in
            state.open[key] = nil
            if state.began.count >= Self.momentsMax {
                state.began = state.began.filter { now - $0.value < self.gap }
            }
            state.began[key] = now
        }
    }
}
