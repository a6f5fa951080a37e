// Decides what a run that somebody paused still does: it ends what is under way and begins nothing.

internal import PulserIR

extension StepGraphMachine {
    /// What waits for the run to go on, beside the steps that are ready.
    struct Suspension: Sendable {
        /// It was said that nothing is under way any more.
        var isTold = false
        /// Steps that a crash cut off and that are looked at only when the run goes on.
        var unresolved: [Int] = []
        /// Steps whose attempt is made again when the run goes on.
        var again: [Int] = []
        /// The pause before the run's next attempt was over meanwhile.
        var isRetryDue = false
    }

    /// Whether the run is paused and begins nothing.
    public var isSuspended: Bool { self.suspension != nil }

    /// Whether the run is paused and nothing of it is under way.
    public var isAtRest: Bool { self.suspension?.isTold ?? false }

    mutating func suspend() {
        // Once it is undone or cleans up, a run goes to its end, as with a cancel.
        guard self.isStoppable, self.suspension == nil else { return }
        self.suspension = Suspension()
    }

    /// Goes on, or to the end that somebody asked for.
    mutating func unsuspend(_ actions: inout [Action]) {
        guard let suspension = self.suspension else { return }
        self.suspension = nil
        if suspension.isTold, self.stopReason == nil { actions.append(.tellUnsuspended) }
        for step in suspension.unresolved {
            actions.append(.resolve(step, number: self.states[step].attempts))
        }
        for step in suspension.again { self.again(step, &actions) }
        if suspension.isRetryDue, self.phase == .pausing { self.resumeRun() }
    }

    /// Says once that the run is at rest. A run that waits for a person has said what for.
    mutating func tellSuspended(_ actions: inout [Action]) {
        guard let suspension = self.suspension, !suspension.isTold, !self.isAsking,
            self.phase != .ended
        else { return }
        let held = suspension.unresolved.count + suspension.again.count
        guard self.runningCount == held else { return }
        self.suspension?.isTold = true
        actions.append(.tellSuspended)
    }
}
