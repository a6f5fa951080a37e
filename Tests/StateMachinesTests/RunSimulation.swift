// Decides what a run's surroundings may do to its graph: a seeded executor that answers, crashes and restores.

import PulserIR
import StateMachines
import TestKit

/// One history of one run: the machine, a journal that survives crashes, and everything that is under way.
struct RunSimulation {
    enum Work {
        case decide(Int, Bool)
        case attempt(Int, number: Int)
        case resolve(Int, number: Int)
        case pause(Int)
        case pauseRun
        case rollBack(Int)

        var isAttempt: Bool { if case .attempt = self { true } else { false } }
        var isRollback: Bool { if case .rollBack = self { true } else { false } }
    }

    let plan: Plan
    let index: [String: Int]
    var generator: SeededGenerator
    var machine: StepGraphMachine
    // What survives a crash.
    var journal: [StepRecord] = []
    var retryCount = 0
    var isCancelRequested = false
    var isTimeOver = false
    var isPaused = false
    // What does not.
    var work: [Work] = []
    var isStopping = false
    var waitsForPerson = false
    var isBegun = false
    // What is checked.
    var rules: RunRules
    var crashesLeft: Int
    var events = 0

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let plan = Self.plan(seed: seed, &generator)
        self.plan = plan
        self.index = Dictionary(uniqueKeysWithValues: plan.steps.enumerated().map { ($1.id, $0) })
        self.machine = StepGraphMachine(plan: plan)
        self.rules = RunRules(plan: plan)
        self.crashesLeft = generator.chance(60) ? Int.random(in: 0...6, using: &generator) : 0
        self.generator = generator
    }

    private static func plan(seed: UInt64, _ generator: inout SeededGenerator) -> Plan {
        var plan = RandomPlan(seed: seed, stepsMax: 9).plan
        plan.maxParallel = Int.random(in: 1...4, using: &generator)
        plan.retry.maxAttempts = Int.random(in: 1...3, using: &generator)
        for step in plan.steps.indices {
            if generator.chance(15) {
                plan.steps[step].condition = try? Expression(
                    parsing: generator.pick(["always()", "failure()", "success()"])
                )
            }
            let undo = RollbackAction(action: .sleep(milliseconds: 0))
            if generator.chance(35) { plan.steps[step].rollback = [undo] }
            if generator.chance(10) { plan.steps[step].rollback = [undo, undo] }
        }
        return plan
    }

    /// Lives until the run has ended.
    mutating func run() {
        self.handle(.begin)
        while self.rules.end == nil, self.rules.violation == nil {
            self.events += 1
            if self.events > 20_000 { return self.rules.violate("the run never ends") }
            self.next()
        }
        if self.rules.violation == nil, (try? self.machine.handle(.begin, random: 0)) != nil {
            self.rules.violate("the machine goes on after its end")
        }
    }

    private mutating func next() {
        if self.crashesLeft > 0, self.generator.chance(4) { return self.crash() }
        if self.generator.chance(1), !self.isCancelRequested {
            self.isCancelRequested = true
            return self.handle(.cancel)
        }
        if Int.random(in: 0..<300, using: &self.generator) == 0 { return self.runOutOfTime() }
        if self.generator.chance(2) { return self.togglePause() }
        guard !self.work.isEmpty else {
            if self.machine.isSuspended, !self.waitsForPerson { return self.togglePause() }
            guard self.waitsForPerson else { return self.rules.violate("the run stands still") }
            // A person looked, and gives up; or nobody did.
            if self.generator.chance(50) { return self.runOutOfTime() }
            self.isCancelRequested = true
            return self.handle(.cancel)
        }
        let chosen = Int.random(in: 0..<self.work.count, using: &self.generator)
        self.answer(self.work.remove(at: chosen))
    }

    private mutating func togglePause() {
        self.isPaused.toggle()
        self.handle(self.isPaused ? .suspend : .unsuspend)
    }

    private mutating func runOutOfTime() {
        self.isTimeOver = true
        self.handle(.timeout)
    }

    private mutating func answer(_ work: Work) {
        switch work {
        case .decide(let step, let isWanted):
            let isUndecidable = self.machine.attempts(of: step) == 0 && self.generator.chance(3)
            self.handle(isUndecidable ? .undecidable(step) : .decided(step, isWanted))
        case .pause(let step): self.handle(.retryDue(step))
        case .pauseRun: self.handle(.runRetryDue)
        case .attempt(let step, let number): self.end(step, number, self.drawEnd())
        case .resolve(let step, let number):
            self.end(step, number, self.generator.pick([.again, .again, .succeeded, .unknown]))
        case .rollBack(let step): self.rollBack(step)
        }
    }

    private mutating func drawEnd() -> StepGraphMachine.AttemptEnd {
        if self.isStopping, self.generator.chance(80) { return .stopped }
        if self.generator.chance(70) { return .succeeded }
        if self.generator.chance(8) { return .snoozed(milliseconds: 5) }
        if self.generator.chance(3) { return .unknown }
        let kind = self.generator.pick(RetryPolicy.Failure.allCases)
        return .failed(kind, retryable: self.generator.chance(90))
    }

    private mutating func end(_ step: Int, _ number: Int, _ end: StepGraphMachine.AttemptEnd) {
        var record = StepRecord(step: self.plan.steps[step].id, attempt: number, state: .succeeded)
        switch end {
        case .succeeded: break
        case .failed(let kind, let retryable):
            record.state = .failed
            record.failureKind = retryable ? kind : nil
        case .stopped: record.state = .cancelled
        case .snoozed(let milliseconds):
            record.state = .cancelled
            record.snoozedMilliseconds = milliseconds
        case .unknown, .again: record.state = .unknown
        }
        self.write(record)
        if self.crashesLeft > 0, self.generator.chance(5) { return self.crash() }
        self.handle(.ended(step, end))
    }

    private mutating func rollBack(_ step: Int) {
        let definition = self.plan.steps[step]
        for number in definition.rollback.indices {
            let key = "\(definition.id)!\(number)"
            let earlier = self.journal.last { $0.step == key }
            if earlier?.state == .succeeded { continue }
            var record = StepRecord(step: key, attempt: (earlier?.attempt ?? 0) + 1, state: .intent)
            self.write(record)
            if self.crashesLeft > 0, self.generator.chance(8) { return self.crash() }
            record.state = self.generator.chance(85) ? .succeeded : .failed
            self.write(record)
            if number == definition.rollback.count - 1, record.state == .succeeded {
                self.rules.undone(step)
            }
            if self.crashesLeft > 0, self.generator.chance(8) { return self.crash() }
            if record.state == .failed { return self.handle(.rolledBack(step, false)) }
        }
        self.handle(.rolledBack(step, true))
    }

    /// The first result of an attempt stands; what has no attempt (0) is noted anew.
    private mutating func write(_ record: StepRecord) {
        let place = self.journal.firstIndex {
            $0.step == record.step && $0.attempt == record.attempt
        }
        guard let place else { return self.journal.append(record) }
        if record.attempt == 0 {
            self.journal.remove(at: place)
            return self.journal.append(record)
        }
        guard [.intent, .unknown].contains(self.journal[place].state) else {
            return self.rules.violate("attempt \(record.attempt) of \(record.step) ended twice")
        }
        self.journal[place] = record
    }

    private mutating func crash() {
        self.crashesLeft -= 1
        let wasPausing = self.machine.phase == .pausing
        self.work = []
        self.isStopping = false
        self.waitsForPerson = false
        self.isBegun = false
        self.machine = StepGraphMachine(plan: self.plan, retryCount: self.retryCount)
        self.machine.restore(self.journal)
        // Its pause may have been over when the next owner looked.
        if wasPausing, self.generator.chance(70), self.machine.restoreRetry() {
            self.work.append(.pauseRun)
        }
        self.rules.restored(self.journal, index: self.index)
        // What ends the run is known again before or just after it resumes.
        let isEarly = self.generator.chance(50)
        if isEarly { self.repeatStops() }
        if self.isPaused, self.rules.end == nil { self.handle(.suspend) }
        // A run that goes on again may hear of it a second time.
        if !self.isPaused, self.rules.end == nil, self.generator.chance(20) {
            self.handle(.unsuspend)
        }
        if self.rules.end == nil { self.handle(.begin) }
        if !isEarly { self.repeatStops() }
    }

    private mutating func repeatStops() {
        if self.isCancelRequested, self.rules.end == nil { self.handle(.cancel) }
        if self.isTimeOver, self.rules.end == nil { self.handle(.timeout) }
    }

    private mutating func handle(_ event: StepGraphMachine.Event) {
        guard self.rules.violation == nil else { return }
        let random = Double.random(in: 0..<1, using: &self.generator)
        if case .begin = event { self.isBegun = true }
        do {
            let actions = try self.machine.handle(event, random: random)
            for action in actions { self.take(action) }
            self.rules.check(self.machine, self.work, isBegun: self.isBegun)
        } catch { self.rules.violate("\(event): \(error)") }
    }

    private mutating func take(_ action: StepGraphMachine.Action) {
        self.rules.check(action, self.machine, self.work)
        switch action {
        case .decide(let step): self.work.append(.decide(step, self.decide(step)))
        case .attempt(let step, let number):
            self.work.append(.attempt(step, number: number))
            if self.plan.steps[step].effects != .none {
                let id = self.plan.steps[step].id
                self.write(StepRecord(step: id, attempt: number, state: .intent))
            }
        case .resolve(let step, let number): self.work.append(.resolve(step, number: number))
        case .pause(let step, _): self.work.append(.pause(step))
        case .pauseRun(let retryCount, _):
            self.retryCount = retryCount
            self.work.append(.pauseRun)
        case .settle(let step, let status): self.settle(step, status)
        case .stopAttempts: self.isStopping = true
        case .rollBack(let step): self.work.append(.rollBack(step))
        case .waitForPerson: self.waitsForPerson = true
        case .tellSuspended, .tellUnsuspended: break
        case .end(let status):
            self.rules.ended(
                status,
                self.machine,
                isCancelRequested: self.isCancelRequested,
                isTimeOver: self.isTimeOver
            )
        }
    }

    private mutating func decide(_ step: Int) -> Bool {
        let source = self.plan.steps[step].condition?.source ?? "success()"
        if source.contains("always") { return true }
        if source.contains("failure") { return self.machine.hasFailure }
        if source.contains("success") { return self.machine.needsSucceeded(step) }
        return self.generator.chance(70)
    }

    private mutating func settle(_ step: Int, _ status: StepStatus) {
        let id = self.plan.steps[step].id
        switch status {
        case .skipped:
            let failure = self.machine.isSkippedByCondition(step) ? nil : "the run failed before it"
            self.write(StepRecord(step: id, attempt: 0, state: .skipped, failure: failure))
        case .failed where self.machine.attempts(of: step) == 0:
            self.write(StepRecord(step: id, attempt: 0, state: .failed, failure: "undecidable"))
        default: break
        }
    }
}
