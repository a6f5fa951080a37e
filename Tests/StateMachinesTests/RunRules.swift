// Decides what must hold in every history of a run, and names the first rule that was broken.

import PulserIR
import StateMachines

/// The rules, checked after every event.
struct RunRules {
    private let plan: Plan
    private let needs: [[Int]]
    private let runsOnFailure: [Bool]
    private(set) var violation: String?
    private(set) var end: RunStatus?
    /// By step: the highest attempt seen, when it last started, whether the journal says it succeeded.
    private var attempts: [Int]
    private var startedAt: [Int]
    private var isDone: [Bool]
    private var isUndone: [Bool]
    private var ticks = 0
    private var lastUndone: Int?

    init(plan: Plan) {
        let index = Dictionary(uniqueKeysWithValues: plan.steps.enumerated().map { ($1.id, $0) })
        self.plan = plan
        self.needs = plan.steps.map { $0.needs.compactMap { index[$0] } }
        self.runsOnFailure = plan.steps.map { $0.condition?.looksAtFailure ?? false }
        self.attempts = plan.steps.map { _ in 0 }
        self.startedAt = self.attempts
        self.isDone = plan.steps.map { _ in false }
        self.isUndone = self.isDone
    }

    mutating func violate(_ what: String) { self.violation = self.violation ?? what }

    mutating func undone(_ step: Int) { self.isUndone[step] = true }

    mutating func restored(_ journal: [StepRecord], index: [String: Int]) {
        self.lastUndone = nil
        for step in self.plan.steps.indices {
            self.attempts[step] = 0
            self.isDone[step] = false
        }
        for record in journal {
            guard let step = index[record.step] else { continue }
            self.ticks += 1
            self.startedAt[step] = self.ticks
            self.attempts[step] = max(self.attempts[step], record.attempt)
            if record.state == .succeeded { self.isDone[step] = true }
        }
    }

    /// Checks an action before it is taken up.
    mutating func check(
        _ action: StepGraphMachine.Action,
        _ machine: StepGraphMachine,
        _ work: [RunSimulation.Work]
    ) {
        if self.end != nil { self.violate("\(action) after the end") }
        switch action {
        case .decide, .attempt, .resolve, .rollBack, .pauseRun:
            if machine.isSuspended { self.violate("\(action) although the run is paused") }
        case .tellSuspended:
            if work.contains(where: { $0.isAttempt || $0.isRollback }) {
                self.violate("said to be at rest while something is under way")
            }
        default: break
        }
        switch action {
        case .attempt(let step, let number): self.checkStart(step, number, machine, work)
        case .rollBack(let step): self.checkUndo(step, machine, work)
        case .settle(let step, .succeeded): self.isDone[step] = true
        case .resolve(_, let number) where number < 1: self.violate("resolves what never began")
        default: break
        }
    }

    private mutating func checkStart(
        _ step: Int,
        _ number: Int,
        _ machine: StepGraphMachine,
        _ work: [RunSimulation.Work]
    ) {
        let id = self.plan.steps[step].id
        if number <= self.attempts[step] { self.violate("attempt \(number) of \(id) came late") }
        if self.isDone[step] { self.violate("\(id) had succeeded and starts again") }
        if work.contains(where: \.isRollback) { self.violate("\(id) starts during the undoing") }
        let needs = self.needs[step]
        if !needs.allSatisfy({ machine.statuses[$0].isSettled }) {
            self.violate("\(id) starts before what it needs has settled")
        }
        let isSatisfied = needs.allSatisfy {
            machine.statuses[$0] == .succeeded || machine.isSkippedByCondition($0)
        }
        if !isSatisfied, machine.phase != .cleanup || !self.runsOnFailure[step] {
            self.violate("\(id) starts although what it needs did not succeed")
        }
        self.ticks += 1
        self.attempts[step] = number
        self.startedAt[step] = self.ticks
    }

    private mutating func checkUndo(
        _ step: Int,
        _ machine: StepGraphMachine,
        _ work: [RunSimulation.Work]
    ) {
        let id = self.plan.steps[step].id
        if self.plan.steps[step].rollback.isEmpty { self.violate("nothing undoes \(id)") }
        if self.attempts[step] == 0 { self.violate("\(id) is undone and was never attempted") }
        if self.isUndone[step] { self.violate("\(id) is undone twice") }
        if work.contains(where: { $0.isRollback || $0.isAttempt }) {
            self.violate("\(id) is undone while something else is under way")
        }
        if let lastUndone, self.startedAt[lastUndone] <= self.startedAt[step] {
            self.violate("\(id) is undone out of order")
        }
        self.lastUndone = step
        for other in self.plan.steps.indices where self.needs[other].contains(step) {
            let mustPrecede =
                !self.plan.steps[other].rollback.isEmpty && self.attempts[other] > 0
                && [.succeeded, .failed, .cancelled, .unknown].contains(machine.statuses[other])
            if mustPrecede, !self.isUndone[other] {
                self.violate("\(id) is undone before \(self.plan.steps[other].id), which needs it")
            }
        }
    }

    /// Checks the state after an event.
    mutating func check(
        _ machine: StepGraphMachine,
        _ work: [RunSimulation.Work],
        isBegun: Bool
    ) {
        let running = work.count(where: \.isAttempt)
        if running > self.plan.maxParallel {
            self.violate("\(running) attempts at once, \(self.plan.maxParallel) allowed")
        }
        if self.end == nil, machine.phase == .ended { self.violate("ended without saying so") }
        // What a crash cut off waits for a paused run to go on.
        guard isBegun, !machine.isSuspended else { return }
        for step in machine.statuses.indices where machine.statuses[step] == .running {
            let isKnown = work.contains {
                switch $0 {
                case .attempt(step, _), .resolve(step, _): true
                default: false
                }
            }
            if !isKnown, self.violation == nil, !work.isEmpty || self.end == nil {
                self.violate("step \(step) runs and nobody runs it")
            }
        }
    }

    mutating func ended(
        _ status: RunStatus,
        _ machine: StepGraphMachine,
        isCancelRequested: Bool,
        isTimeOver: Bool
    ) {
        self.end = status
        if !machine.statuses.allSatisfy(\.isSettled) { self.violate("ended with open steps") }
        let isWhole = machine.statuses.indices.allSatisfy {
            machine.statuses[$0] == .succeeded || machine.isSkippedByCondition($0)
        }
        switch status {
        case .succeeded: if !isWhole { self.violate("succeeded with \(machine.statuses)") }
        case .failed: if isWhole { self.violate("failed although every step ended well") }
        case .cancelled: if !isCancelRequested { self.violate("cancelled by nobody") }
        case .timedOut: if !isTimeOver { self.violate("timed out before its time") }
        case .queued, .claimed, .running, .waiting: self.violate("\(status) is no end")
        }
    }
}
