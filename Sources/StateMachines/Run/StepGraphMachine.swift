// Decides which steps of a run may start, retry, be skipped or rolled back, and how the run ends.

public import PulserIR

/// The graph of one run's steps.
///
/// Pure: what happened comes in as events, what to do goes out as actions; conditions, tools and
/// clocks belong to the run actor. The phases:
///
/// ```
/// forward ──all settled──────────────────────────────▶ cleanup* ─▶ ended(succeeded)
///    │ a step failed for good: nothing new starts
///    ▼ the running ones ended
/// pausing ──timer──▶ forward        (the run has attempts left)
///    │ no attempts left
///    ▼
/// rollingBack ─▶ cleanup (steps with always() or failure()) ─▶ ended(failed)
/// cancel, timeout ─▶ running attempts are stopped ─▶ [rollingBack on timeout] ─▶ cleanup ─▶ ended
/// ```
///
/// A suspended run stays in its phase and begins nothing, until it is told to go on or to end.
public struct StepGraphMachine: Sendable {
    /// What happened.
    public enum Event: Sendable {
        /// The run starts or resumes.
        case begin
        /// The step's `if` was evaluated.
        case decided(Int, Bool)
        /// The step's `if` could not be evaluated.
        case undecidable(Int)
        /// An attempt ended.
        case ended(Int, AttemptEnd)
        /// The pause before the step's next attempt is over.
        case retryDue(Int)
        /// The pause before the run's next attempt is over.
        case runRetryDue
        /// A rollback chain of a step ended; false when it failed.
        case rolledBack(Int, Bool)
        /// Somebody paused the run.
        case suspend
        /// The run may go on.
        case unsuspend
        /// Somebody wants the run to end.
        case cancel
        /// The run's time is over.
        case timeout
    }

    /// How an attempt ended.
    public enum AttemptEnd: Sendable, Hashable {
        case succeeded
        /// - `retryable`: false when the failure can only repeat (a bad expression, say).
        case failed(RetryPolicy.Failure, retryable: Bool)
        /// It asked to be tried again after this time, which uses up no attempt.
        case snoozed(milliseconds: Int64)
        /// Stopped because the run was cancelled or timed out.
        case stopped
        /// After a crash nobody can tell; the run waits for a person.
        case unknown
        /// After a crash: the attempt may simply be made again.
        case again
    }

    /// What to do.
    public enum Action: Sendable, Hashable {
        /// Evaluate the step's `if`, answer ``Event/decided(_:_:)``.
        case decide(Int)
        /// Make this attempt of the step.
        case attempt(Int, number: Int)
        /// A crash left this attempt without a result: apply the effects rule, answer
        /// ``Event/ended(_:_:)``.
        case resolve(Int, number: Int)
        /// Wait, then send ``Event/retryDue(_:)``.
        case pause(Int, milliseconds: Int64)
        /// The run failed but has attempts left: wait, then send ``Event/runRetryDue``.
        case pauseRun(retryCount: Int, milliseconds: Int64)
        /// Record that the step ended without (another) attempt.
        case settle(Int, StepStatus)
        /// Stop all running attempts; each answers ``AttemptEnd/stopped``.
        case stopAttempts
        /// Undo the step, answer ``Event/rolledBack(_:_:)``.
        case rollBack(Int)
        /// A step's outcome is unknown and nothing runs any more; the run waits for a person.
        case waitForPerson(Int)
        /// The run is suspended and nothing of it is under way any more.
        case tellSuspended
        /// The run was at rest and goes on.
        case tellUnsuspended
        /// The run is over.
        case end(RunStatus)
    }

    /// Where the run is.
    public enum Phase: Sendable, Hashable {
        case forward
        /// A step failed, the run was cancelled or timed out; running attempts come to their end.
        case draining
        case pausing
        case rollingBack
        case cleanup
        case ended
    }

    struct StepState: Sendable {
        var status: StepStatus = .pending
        var attempts = 0
        /// Attempts made before a person had the step run again; they do not use up its budget.
        var earlierAttempts = 0
        var isDeciding = false
        /// Its pause is over, so that its next attempt starts as soon as there is a place.
        var isDue = false
        /// It waits because it asked to be tried later, not because it failed.
        var isSnoozed = false
        /// Failures, of those the journal holds, after which the step itself is not tried again.
        var finalFailures = 0
        /// Skipped because a step it needs failed, not by its own `if`.
        var isSkippedByFailure = false
        /// A person did it by hand; that says nothing of what it needs.
        var isByHand = false
        var lastFailure: RetryPolicy.Failure?
        var isRolledBack = false
    }

    /// The plan.
    public let plan: Plan
    /// Where the run is.
    public internal(set) var phase = Phase.forward
    /// How often the run itself was tried again.
    public internal(set) var retryCount: Int
    /// Whether some rollback did not hold.
    public internal(set) var rollbackFailed = false
    var states: [StepState]
    /// A person was asked; nothing starts by itself any more.
    public internal(set) var isAsking = false
    /// Nothing starts before: what a crash cut off is told apart from it at that moment.
    var hasBegun = false
    var stopReason: RunStatus?
    var suspension: Suspension?
    var attempted: [Int] = []
    var rollbackQueue: [Int] = []
    var isUndoingAgain = false
    let needs: [[Int]]
    let dependents: [[Int]]
    let runsOnFailure: [Bool]

    /// Makes the graph of a new run.
    ///
    /// - Parameters:
    ///   - plan: Compiled: `needs` name known steps and have no cycle.
    ///   - retryCount: How often the run itself was tried again before.
    public init(plan: Plan, retryCount: Int = 0) {
        self.plan = plan
        self.retryCount = retryCount
        let index = Dictionary(
            plan.steps.enumerated().map { ($0.element.id, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
        self.needs = plan.steps.map { $0.needs.compactMap { index[$0] } }
        var dependents = [[Int]](repeating: [], count: plan.steps.count)
        for (step, needed) in self.needs.enumerated() {
            for other in needed { dependents[other].append(step) }
        }
        self.dependents = dependents
        self.runsOnFailure = plan.steps.map { $0.condition?.looksAtFailure ?? false }
        self.states = plan.steps.map { _ in StepState() }
    }

    /// The graph of another run of the same plan, which shares what the plan alone decides.
    ///
    /// - Parameter retryCount: How often that run was tried again before.
    /// - Returns: The graph, with nothing begun.
    public func again(retryCount: Int) -> StepGraphMachine {
        var machine = self
        machine.retryCount = retryCount
        return machine
    }

    /// The status of each step, in the plan's order.
    public var statuses: [StepStatus] { self.states.map(\.status) }

    /// Attempts made of the step so far.
    public func attempts(of step: Int) -> Int { self.states[step].attempts }

    /// Whether nothing is under way but waiting: a pause, a person, or steps of which `onlyWaits`
    /// says so.
    public func isWaiting(_ onlyWaits: (Int) -> Bool) -> Bool {
        if self.isAtRest { return true }
        guard self.phase == .forward || self.phase == .pausing else { return false }
        return self.states.indices.allSatisfy { step in
            let state = self.states[step]
            return !state.isDeciding && (state.status != .running || onlyWaits(step))
        }
    }

    /// Whether every other step is settled, so that this one's end may be the run's.
    public func isLastOpen(_ step: Int) -> Bool {
        self.states.indices.allSatisfy { $0 == step || self.states[$0].status.isSettled }
    }

    /// Whether the step was skipped by its own `if`, not because the run failed.
    public func isSkippedByCondition(_ step: Int) -> Bool {
        self.states[step].status == .skipped && !self.states[step].isSkippedByFailure
    }

    /// Whether a cancel or a timeout would still change how the run ends.
    public var isStoppable: Bool {
        switch self.phase {
        case .forward, .draining, .pausing: self.stopReason == nil
        case .rollingBack, .cleanup, .ended: false
        }
    }

    /// Whether something was undone.
    public var wasRolledBack: Bool { self.states.contains(where: \.isRolledBack) }

    /// Has a run that was taken over wait for its next attempt, which is counted already. Before
    /// ``Event/begin``; a run that goes to its end, or of which something is under way, does not wait.
    ///
    /// - Returns: Whether it waits, until ``Event/runRetryDue``.
    public mutating func restoreRetry() -> Bool {
        guard self.phase == .forward, self.retryCount > 0, !self.hasFailure,
            !self.states.contains(where: { $0.status == .running })
        else { return false }
        self.phase = .pausing
        return true
    }

    /// Whether a step failed for good.
    public var hasFailure: Bool {
        self.states.contains { $0.status == .failed || $0.status == .unknown }
    }

    /// What `success()` answers for this step.
    public func needsSucceeded(_ step: Int) -> Bool {
        self.needs[step].allSatisfy { self.isSatisfied($0) }
    }

    /// Takes one event.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - random: From 0 up to 1, for jitter.
    /// - Returns: What to do now, in order.
    /// - Throws: ``UnreachableTransition`` when the event cannot happen in this state.
    public mutating func handle(
        _ event: Event,
        random: Double
    ) throws(UnreachableTransition) -> [Action] {
        var actions: [Action] = []
        guard self.phase != .ended else {
            throw UnreachableTransition("the run has ended, yet \(event) happened")
        }
        switch event {
        case .begin: self.begin(&actions)
        case .decided(let step, let isWanted):
            try self.expect(step, isDeciding: true, event)
            self.states[step].isDeciding = false
            if isWanted, self.mayStart(step) {
                self.start(step, &actions)
            } else if isWanted || self.runsOnFailure[step] && !self.mayStart(step) {
                // The run began to fail while the condition was looked at: asked again later.
            } else {
                self.skip(step, byFailure: false, &actions)
            }
        case .undecidable(let step):
            try self.expect(step, isDeciding: true, event)
            self.states[step].isDeciding = false
            // It can only repeat, whatever kind of failure an earlier attempt had.
            self.states[step].lastFailure = nil
            self.fail(step, &actions)
        case .ended(let step, let end):
            guard self.states[step].status == .running else {
                throw UnreachableTransition("step \(step) is not running, yet it ended")
            }
            // Without a reason to stop, the step could never settle and the run never end.
            if end == .stopped, self.stopReason == nil {
                throw UnreachableTransition("step \(step) was stopped, yet the run goes on")
            }
            self.ended(step, end, random, &actions)
        case .retryDue(let step):
            if self.states[step].status == .retrying { self.states[step].isDue = true }
        case .runRetryDue:
            if self.isSuspended {
                self.suspension?.isRetryDue = true
            } else if self.phase == .pausing {
                self.resumeRun()
            }
        case .rolledBack(let step, let held): self.rolledBack(step, held, &actions)
        case .suspend: self.suspend()
        case .unsuspend: self.unsuspend(&actions)
        case .cancel: self.stop(.cancelled, &actions)
        case .timeout: self.stop(.timedOut, &actions)
        }
        // A cancel or a pause may be heard before the run begins: it counts from then on.
        guard self.hasBegun else { return actions }
        self.advance(random, &actions)
        self.tellSuspended(&actions)
        return actions
    }

    private func expect(
        _ step: Int,
        isDeciding: Bool,
        _ event: Event
    ) throws(UnreachableTransition) {
        guard self.states.indices.contains(step), self.states[step].isDeciding == isDeciding else {
            throw UnreachableTransition("step \(step) was not asked, yet \(event) happened")
        }
    }
}

/// Something happened that the state machine's own rules exclude: a bug, isolated to one run.
public struct UnreachableTransition: Error, Sendable, CustomStringConvertible {
    /// What happened where.
    public let description: String

    /// Describes it.
    public init(_ description: String) { self.description = description }
}

extension Expression {
    /// Whether the expression asks `always()` or `failure()`, so that it also counts when the run
    /// has failed.
    public var looksAtFailure: Bool {
        self.source.contains("always(") || self.source.contains("failure(")
    }
}
