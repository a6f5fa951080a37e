// Decides how a run comes to its end: stopping, rolling back, cleaning up.

public import PulserIR

extension StepGraphMachine {
    mutating func stop(_ reason: RunStatus, _ actions: inout [Action]) {
        // The first reason stands; once the run rolls back or cleans up it goes on to its end.
        guard self.isStoppable else { return }
        self.stopReason = reason
        if self.states.contains(where: { $0.status == .running }) {
            actions.append(.stopAttempts)
        }
        for step in self.states.indices {
            switch self.states[step].status {
            case .retrying:
                self.states[step].status = .cancelled
                actions.append(.settle(step, .cancelled))
            case .pending where !self.runsOnFailure[step] && !self.states[step].isDeciding:
                self.states[step].status = .cancelled
                actions.append(.settle(step, .cancelled))
            default: break
            }
        }
        self.phase = .draining
    }

    /// Undoing goes backwards: the step attempted last is undone first. A failed step is undone
    /// too, for its action may have happened before its verifier failed.
    func rollbackOrder() -> [Int] {
        self.attempted.reversed().filter { step in
            let state = self.states[step]
            guard !self.plan.steps[step].rollback.isEmpty, !state.isRolledBack else { return false }
            switch state.status {
            case .succeeded, .failed, .cancelled, .unknown: return state.attempts > 0
            case .pending, .running, .retrying, .skipped: return false
            }
        }
    }

    mutating func rolledBack(_ step: Int, _ held: Bool, _ actions: inout [Action]) {
        guard self.rollbackQueue.first == step else { return }
        self.rollbackQueue.removeFirst()
        if held {
            self.states[step].isRolledBack = true
        } else {
            // What was done before this step may be what keeps things together: a person looks.
            self.rollbackFailed = true
            self.rollbackQueue = []
        }
        if let next = self.rollbackQueue.first { actions.append(.rollBack(next)) }
    }

    mutating func advanceRollback(_ actions: inout [Action]) -> Bool {
        guard self.rollbackQueue.isEmpty else { return false }
        self.phase = .cleanup
        for step in self.states.indices
        where self.states[step].status == .pending && !self.runsOnFailure[step] {
            if self.stopReason == .cancelled {
                self.states[step].status = .cancelled
                actions.append(.settle(step, .cancelled))
            } else {
                self.skip(step, byFailure: true, &actions)
            }
        }
        return true
    }

    mutating func advanceCleanup(_ actions: inout [Action]) -> Bool {
        if self.states.allSatisfy(\.status.isSettled) {
            self.phase = .ended
            let failed = self.states.contains { $0.status == .failed || $0.status == .unknown }
            actions.append(.end(self.stopReason ?? (failed ? .failed : .succeeded)))
            return false
        }
        return self.startCleanup(&actions)
    }

    private mutating func startCleanup(_ actions: inout [Action]) -> Bool {
        var moved = false
        for step in self.states.indices
        where self.states[step].status == .pending && !self.states[step].isDeciding {
            guard self.needs[step].allSatisfy({ self.states[$0].status.isSettled }) else {
                continue
            }
            // Only steps that look at failure are left here, so each has a condition.
            self.states[step].isDeciding = true
            actions.append(.decide(step))
            moved = true
        }
        return moved
    }

    /// Takes up a run where its journal ends.
    ///
    /// Then send ``Event/begin``.
    ///
    /// - Parameters:
    ///   - records: All records that count, in the order they were begun.
    ///   - earlierAttempts: By step, the highest attempt that no longer counts because a person had
    ///     the step run again; numbers go on from there.
    public mutating func restore(_ records: [StepRecord], earlierAttempts: [String: Int] = [:]) {
        let index = Dictionary(
            self.plan.steps.enumerated().map { ($0.element.id, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
        for (step, attempts) in earlierAttempts {
            guard let step = index[step] else { continue }
            self.states[step].attempts = attempts
            self.states[step].earlierAttempts = attempts
        }
        for record in records {
            if let mark = record.step.firstIndex(of: "!") {
                self.restoreRollback(record, of: index[String(record.step[..<mark])])
            } else if let step = index[record.step] {
                self.restore(record, step)
            }
        }
        for step in self.states.indices where self.states[step].status == .failed {
            let policy = self.plan.steps[step].retry ?? RetryPolicy(maxAttempts: 1)
            let kind = self.states[step].lastFailure
            let made = self.states[step].attempts - self.states[step].earlierAttempts
            let hasBudget = made < policy.maxAttempts * (self.retryCount + 1)
            // Within its budget the pause was under way when the node died: it starts at once.
            if hasBudget, let kind, Backoff.retries(kind, policy: policy), !self.isUndoing {
                self.states[step].status = .pending
            } else if !self.isUndoing {
                self.phase = .draining
            }
        }
        if self.isUndoing {
            self.rollbackQueue = self.rollbackOrder()
            self.phase = .rollingBack
        }
    }

    private var isUndoing: Bool {
        self.rollbackFailed || self.states.contains { $0.isRolledBack }
            || self.phase == .rollingBack
    }

    private mutating func restoreRollback(_ record: StepRecord, of step: Int?) {
        guard let step else { return }
        self.phase = .rollingBack
        let last = "\(self.plan.steps[step].id)!\(self.plan.steps[step].rollback.count - 1)"
        if record.state == .succeeded, record.step == last { self.states[step].isRolledBack = true }
    }

    private mutating func restore(_ record: StepRecord, _ step: Int) {
        self.states[step].attempts = max(self.states[step].attempts, record.attempt)
        if record.attempt > 0 {
            self.attempted.removeAll { $0 == step }
            self.attempted.append(step)
        }
        switch record.state {
        case .intent: self.states[step].status = .running
        case .succeeded: self.states[step].status = .succeeded
        case .failed:
            self.states[step].status = .failed
            self.states[step].lastFailure = record.failureKind
        case .skipped:
            self.states[step].status = .skipped
            self.states[step].isSkippedByFailure = record.failure != nil
        case .cancelled: self.states[step].status = .pending
        // Asked again: perhaps its verifiers can tell by now.
        case .unknown: self.states[step].status = .running
        }
    }
}
