// Decides how steps move forward: start, succeed, retry, fail, be skipped.

internal import PulserIR

extension StepGraphMachine {
    mutating func begin(_ actions: inout [Action]) {
        self.hasBegun = true
        for step in self.states.indices where self.states[step].status == .running {
            if self.isSuspended {
                self.suspension?.unresolved.append(step)
                continue
            }
            actions.append(.resolve(step, number: self.states[step].attempts))
        }
        // A crash in the middle of undoing: it goes on where it was.
        if self.isUndoingAgain, let first = self.rollbackQueue.first {
            actions.append(.rollBack(first))
        }
    }

    /// A step that is satisfied lets its dependents start: it succeeded, or its own `if` was false, or
    /// a person did it by hand and what it needs is satisfied: nobody gets around an approval that way.
    func isSatisfied(_ step: Int) -> Bool {
        self.holds(step) { state in
            switch state.status {
            case .succeeded: true
            case .skipped: !state.isSkippedByFailure
            default: false
            }
        }
    }

    /// Whether it came to its end, and where it was done by hand also what it needs.
    private func isThrough(_ step: Int) -> Bool { self.holds(step, \.status.isSettled) }

    /// Whether something holds for a step and, behind steps done by hand, for all that these need.
    private func holds(_ step: Int, _ isGood: (StepState) -> Bool) -> Bool {
        guard isGood(self.states[step]) else { return false }
        guard self.isDoneByHand(step) else { return true }
        var looked: Set<Int> = [step]
        var open = [step]
        while let behind = open.popLast() {
            for need in self.needs[behind] where looked.insert(need).inserted {
                guard isGood(self.states[need]) else { return false }
                if self.isDoneByHand(need) { open.append(need) }
            }
        }
        return true
    }

    private func isDoneByHand(_ step: Int) -> Bool {
        self.states[step].isByHand && self.states[step].status == .skipped
    }

    /// Whether a step may start at this moment.
    func mayStart(_ step: Int) -> Bool {
        switch self.phase {
        case .forward: self.needsSucceeded(step) && !self.isHeld && !self.isSuspended
        case .cleanup: self.runsOnFailure[step] || self.stopReason == nil && !self.hasFailure
        case .draining, .pausing, .rollingBack, .ended: false
        }
    }

    /// A step whose outcome only a person can tell holds the run where it is, unless somebody or
    /// the clock ends it.
    var isHeld: Bool {
        self.stopReason == nil && self.states.contains { $0.status == .unknown }
    }

    mutating func start(_ step: Int, _ actions: inout [Action]) {
        self.states[step].status = .running
        self.states[step].isDue = false
        self.states[step].isSnoozed = false
        self.states[step].attempts += 1
        self.attempted.removeAll { $0 == step }
        self.attempted.append(step)
        actions.append(.attempt(step, number: self.states[step].attempts))
    }

    mutating func skip(_ step: Int, byFailure: Bool, _ actions: inout [Action]) {
        self.states[step].status = .skipped
        self.states[step].isSkippedByFailure = byFailure
        actions.append(.settle(step, .skipped))
    }

    mutating func fail(_ step: Int, _ actions: inout [Action]) {
        self.states[step].status = .failed
        actions.append(.settle(step, .failed))
        if self.phase == .forward { self.phase = .draining }
    }

    mutating func ended(
        _ step: Int,
        _ end: AttemptEnd,
        _ random: Double,
        _ actions: inout [Action]
    ) {
        switch end {
        case .succeeded:
            self.states[step].status = .succeeded
            actions.append(.settle(step, .succeeded))
        case .again: self.again(step, &actions)
        case .snoozed(let milliseconds):
            self.states[step].earlierAttempts += 1
            guard self.phase == .forward || self.phase == .cleanup else {
                if self.stopReason != nil, !self.runsOnFailure[step] {
                    return self.cancel(step, &actions)
                }
                // As if it had not begun: in the run's next attempt, if there is one.
                self.states[step].status = .pending
                return
            }
            self.states[step].status = .retrying
            self.states[step].isSnoozed = true
            actions.append(.pause(step, milliseconds: milliseconds))
        case .stopped: self.cancel(step, &actions)
        case .unknown:
            self.states[step].status = .unknown
            actions.append(.settle(step, .unknown))
        case .failed(let kind, let retryable):
            // What can only repeat does not become better with the run's next attempt either.
            self.states[step].lastFailure = retryable ? kind : nil
            let policy = self.plan.steps[step].retry ?? RetryPolicy(maxAttempts: 1)
            let budget = policy.maxAttempts * (self.retryCount + 1)
            let made = self.states[step].attempts - self.states[step].earlierAttempts
            let mayRetry =
                retryable && made < budget && Backoff.retries(kind, policy: policy)
                && (self.phase == .forward || self.phase == .cleanup)
            guard mayRetry else { return self.fail(step, &actions) }
            self.states[step].status = .retrying
            let used = made - policy.maxAttempts * self.retryCount
            let wait = Backoff.milliseconds(
                after: max(1, used),
                policy: policy,
                random: random
            )
            actions.append(.pause(step, milliseconds: wait))
        }
    }

    mutating func cancel(_ step: Int, _ actions: inout [Action]) {
        self.states[step].status = .cancelled
        actions.append(.settle(step, .cancelled))
    }

    /// After a crash: makes the attempt again, unless the run is being stopped or undone by now, or
    /// was cleaning up already.
    mutating func again(_ step: Int, _ actions: inout [Action]) {
        if self.isSuspended {
            self.suspension?.again.append(step)
            return
        }
        let isLate = self.stopReason != nil || !self.needsSucceeded(step)
        if self.phase == .rollingBack || self.phase == .draining && isLate {
            // A step that looks at failure is asked again when the run cleans up.
            if self.runsOnFailure[step] {
                self.states[step].status = .pending
                return
            }
            return self.cancel(step, &actions)
        }
        self.start(step, &actions)
    }

    /// Starts whatever became ready, and moves to the next phase when this one is over.
    mutating func advance(_ random: Double, _ actions: inout [Action]) {
        var moved = true
        while moved {
            moved = false
            switch self.phase {
            case .forward: moved = self.advanceForward(&actions)
            case .draining: moved = self.advanceDraining(random, &actions)
            case .rollingBack: moved = self.advanceRollback(&actions)
            case .cleanup: moved = self.advanceCleanup(&actions)
            case .pausing, .ended: break
            }
        }
    }

    var runningCount: Int {
        self.states.count { $0.status == .running || $0.isDeciding }
    }

    /// Starts steps that are due or for which `isReady` holds, up to the plan's parallelism.
    mutating func startReady(
        _ actions: inout [Action],
        where isReady: (StepGraphMachine, Int) -> Bool
    ) -> Bool {
        if self.isSuspended { return false }
        var moved = false
        var free = self.plan.maxParallel - self.runningCount
        for step in self.states.indices where free > 0 {
            let state = self.states[step]
            if state.status == .retrying, state.isDue {
                self.start(step, &actions)
            } else if state.status == .pending, !state.isDeciding,
                self.needs[step].allSatisfy({ self.isThrough($0) }),
                isReady(self, step)
            {
                if self.plan.steps[step].condition == nil {
                    self.start(step, &actions)
                } else {
                    self.states[step].isDeciding = true
                    actions.append(.decide(step))
                }
            } else {
                continue
            }
            free -= 1
            moved = true
        }
        return moved
    }

    private mutating func advanceForward(_ actions: inout [Action]) -> Bool {
        if self.isHeld { return self.askPerson(&actions) }
        let moved = self.startReady(&actions) { $0.mayStart($1) }
        if self.states.allSatisfy(\.status.isSettled) {
            self.phase = .cleanup
            return true
        }
        return moved
    }

    /// Asks the person once nothing runs any more: an answer raises the run's claim number, and must
    /// not overtake the results of other steps.
    private mutating func askPerson(_ actions: inout [Action]) -> Bool {
        guard self.runningCount == 0, !self.isAsking,
            let step = self.states.firstIndex(where: { $0.status == .unknown })
        else { return false }
        self.isAsking = true
        actions.append(.waitForPerson(step))
        return false
    }

    private mutating func advanceDraining(
        _ random: Double,
        _ actions: inout [Action]
    ) -> Bool {
        for step in self.states.indices where self.states[step].status == .retrying {
            self.states[step].isDue = false
            if self.runsOnFailure[step] || self.states[step].isSnoozed {
                // It is asked again when the run cleans up, or in the run's next attempt.
                self.states[step].status = .pending
            } else {
                // Its next attempt belongs to the run's next attempt, if there is one.
                self.states[step].status = .failed
                actions.append(.settle(step, .failed))
            }
        }
        if self.isHeld { return self.askPerson(&actions) }
        guard self.runningCount == 0, !self.isSuspended else { return false }
        if self.stopReason == nil, self.mayRetryRun {
            let wait = Backoff.milliseconds(
                after: self.retryCount + 1,
                policy: self.plan.retry,
                random: random
            )
            self.retryCount += 1
            self.phase = .pausing
            actions.append(.pauseRun(retryCount: self.retryCount, milliseconds: wait))
            return false
        }
        if self.stopReason != .cancelled { self.rollbackQueue = self.rollbackOrder() }
        self.phase = .rollingBack
        if let first = self.rollbackQueue.first { actions.append(.rollBack(first)) }
        return self.rollbackQueue.isEmpty
    }

    /// A run is tried again unless a failed step says `max_attempts: 1` itself or its kind of
    /// failure is not among those the run retries.
    private var mayRetryRun: Bool {
        guard self.retryCount + 1 < self.plan.retry.maxAttempts else { return false }
        return self.states.indices.allSatisfy { step in
            guard self.states[step].status == .failed else { return true }
            guard let kind = self.states[step].lastFailure else { return false }
            return Backoff.retries(kind, policy: self.plan.retry)
                && self.plan.steps[step].retry?.maxAttempts != 1
        }
    }

    mutating func resumeRun() {
        for step in self.states.indices {
            let state = self.states[step]
            if state.status == .failed || state.status == .skipped && state.isSkippedByFailure {
                self.states[step].status = .pending
                self.states[step].isSkippedByFailure = false
            }
        }
        self.phase = .forward
    }
}
