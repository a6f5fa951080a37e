// Decides how a run comes to its end: stopping, rolling back, cleaning up.

public import PulserIR

extension StepGraphMachine {
    mutating func stop(_ reason: RunStatus, _ actions: inout [Action]) {
        // The journal does not say why the run was being undone; the clock tells again.
        if reason == .timedOut, self.isUndoingAgain { self.stopReason = self.stopReason ?? reason }
        // The first reason stands; once the run rolls back or cleans up it goes on to its end.
        guard self.isStoppable else { return }
        self.stopReason = reason
        if self.states.contains(where: { $0.status == .running }) {
            actions.append(.stopAttempts)
        }
        for step in self.states.indices {
            switch self.states[step].status {
            case .retrying where !self.runsOnFailure[step]: self.cancel(step, &actions)
            case .pending where !self.runsOnFailure[step] && !self.states[step].isDeciding:
                self.cancel(step, &actions)
            default: break
            }
        }
        self.phase = .draining
        // What a pause held back comes to its end now.
        self.unsuspend(&actions)
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
                self.cancel(step, &actions)
            } else {
                self.skip(step, byFailure: true, &actions)
            }
        }
        return true
    }

    mutating func advanceCleanup(_ actions: inout [Action]) -> Bool {
        if self.states.allSatisfy(\.status.isSettled) {
            self.phase = .ended
            let failed = self.states.contains {
                $0.status == .failed || $0.status == .unknown || $0.isSkippedByFailure
            }
            actions.append(.end(self.stopReason ?? (failed ? .failed : .succeeded)))
            return false
        }
        // Only steps that look at failure are left here, so each has a condition.
        return self.startReady(&actions) { _, _ in true }
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
        if self.phase == .rollingBack {
            if !self.rollbackFailed { self.rollbackQueue = self.rollbackOrder() }
            // Cleaning up had begun.
            for step in self.states.indices
            where self.states[step].status == .failed && !self.attempted.contains(step)
                && self.wasPausing(step)
            {
                self.states[step].status = .pending
            }
        } else {
            self.resumeFailed()
        }
    }

    /// A failed step that would have been tried again was in its pause when the node died: it
    /// starts at once. When another step failed for good the run goes on failing instead.
    private mutating func resumeFailed() {
        let failed = self.states.indices.filter { self.states[$0].status == .failed }
        let skipped = self.states.indices.filter { self.states[$0].isSkippedByFailure }
        if failed.isEmpty {
            // What they were skipped for is no longer so: a person had it run again.
            for step in skipped {
                self.states[step].status = .pending
                self.states[step].isSkippedByFailure = false
            }
            return
        }
        // Steps are skipped for a failure only on the way to the end.
        let isOver = !skipped.isEmpty || failed.contains { !self.wasPausing($0) }
        if isOver { self.phase = .draining }
        for step in failed where self.wasPausing(step) && (!isOver || self.runsOnFailure[step]) {
            self.states[step].status = .pending
        }
    }

    /// The journal holds a rollback: what comes before it has settled.
    private mutating func resumeUndoing() {
        self.phase = .rollingBack
        for step in self.attempted {
            switch self.states[step].status {
            case .pending: self.states[step].status = .cancelled
            case .running: self.states[step].status = .unknown
            default: break
            }
        }
        // Only a failure or the clock has a run undone.
        if !self.hasFailure { self.stopReason = .timedOut }
        self.isUndoingAgain = true
    }

    private func wasPausing(_ step: Int) -> Bool {
        let state = self.states[step]
        let policy = self.plan.steps[step].retry ?? RetryPolicy(maxAttempts: 1)
        let made = state.attempts - state.earlierAttempts
        guard made < policy.maxAttempts * (self.retryCount + 1) else { return false }
        guard let kind = state.lastFailure else { return false }
        if Backoff.retries(kind, policy: policy) { return true }
        // One such failure ends one attempt of the run; those attempts are counted already.
        return Backoff.retries(kind, policy: self.plan.retry)
            && state.finalFailures <= self.retryCount
    }

    private mutating func restoreRollback(_ record: StepRecord, of step: Int?) {
        guard let step else { return }
        let chain = self.plan.steps[step].rollback
        guard let number = Int(record.step.split(separator: "!").last ?? ""),
            chain.indices.contains(number)
        else { return }
        if self.phase != .rollingBack { self.resumeUndoing() }
        if record.state == .succeeded, number == chain.count - 1 {
            self.states[step].isRolledBack = true
        }
        // Undoing is strictly in sequence, so what the last record says is how it stands.
        self.rollbackFailed =
            record.state == .failed && record.attempt >= (chain[number].retry?.maxAttempts ?? 1)
    }

    private mutating func restore(_ record: StepRecord, _ step: Int) {
        self.states[step].attempts = max(self.states[step].attempts, record.attempt)
        // What was attempted after the undoing began is cleaning up, which nobody undoes.
        if record.attempt > 0, self.phase != .rollingBack {
            self.attempted.removeAll { $0 == step }
            self.attempted.append(step)
        }
        switch record.state {
        case .intent: self.states[step].status = .running
        case .succeeded: self.states[step].status = .succeeded
        case .failed:
            self.states[step].status = .failed
            self.states[step].lastFailure = record.failureKind
            let policy = self.plan.steps[step].retry ?? RetryPolicy(maxAttempts: 1)
            if record.failureKind.map({ !Backoff.retries($0, policy: policy) }) ?? true {
                self.states[step].finalFailures += 1
            }
        case .skipped:
            self.states[step].status = .skipped
            self.states[step].isSkippedByFailure = record.failure != nil
            self.states[step].isByHand = record.byHand != nil
        // Stopped, by a request that is repeated or by a node that went away: perhaps it runs again.
        case .cancelled:
            self.states[step].status = .pending
            if record.snoozedMilliseconds != nil { self.states[step].earlierAttempts += 1 }
        // Asked again: perhaps its verifiers can tell by now.
        case .unknown: self.states[step].status = .running
        }
    }
}
