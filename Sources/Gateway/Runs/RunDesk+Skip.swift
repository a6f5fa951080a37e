// Where a person says that a step was done by hand: the run goes on as if it had succeeded.

import PulserIR
import StateMachines
public import Store

extension RunDesk {
    /// Bytes of what a person says about a step done by hand.
    public static let noteBytesMax = 1_024

    /// Has the journal of a run keep that a step was done by hand, and queues the run again with what is
    /// left.
    ///
    /// - Parameters:
    ///   - row: The run, as read just now: it did not succeed, or waits.
    ///   - step: The step. Not one that waits for a signal or for people: those have verbs of their own.
    ///   - note: What was done, in words.
    ///   - person: Who says so.
    ///   - key: Under which it happens once.
    /// - Returns: The steps that will run again.
    /// - Throws: ``DeskError``, or what the store threw.
    public func skip(
        _ row: RunRow,
        step: String,
        note: String,
        by person: String,
        key: RequestKey? = nil
    ) async throws -> [String] {
        guard row.status != .succeeded else {
            throw DeskError(.notSkipped(row.id), "run \(row.id) has succeeded")
        }
        guard row.status.isTerminal || row.status == .waiting else {
            throw DeskError(.underWay(row.id), "run \(row.id) is \(row.status.rawValue)")
        }
        let plan = try await self.store.plan(row.planDigest)
        guard let definition = plan.steps.first(where: { $0.id == step }) else {
            throw DeskError(.unknownStep(row.id), "plan '\(plan.name)' has no step '\(step)'")
        }
        if case .wait(let wait) = definition.action {
            let verb =
                switch wait {
                case .approval: "approve or reject it"
                case .signal: "send the signal"
                }
            throw DeskError(.notSkipped(row.id), "step '\(step)' is \(wait.noun): \(verb)")
        }
        if try await self.store.loadLanes([row.lane]).first?.worker == .external {
            throw DeskError(
                .notSkipped(row.id),
                "the steps of run \(row.id) are those of a worker outside"
            )
        }
        let rows = try await self.store.journal(row.id)
        let records = rows.filter { !$0.isSuperseded }.map(\.record)
        try Self.check(step, of: row, plan, records)
        try Self.checkWaits(before: definition, of: row, plan, records)
        var done = StepRecord(
            step: step,
            attempt: (rows.filter { $0.record.step == step }.map(\.record.attempt).max() ?? 0) + 1,
            state: .skipped
        )
        done.byHand = StepRecord.ByHand(
            by: person,
            note: note,
            atMilliseconds: RunClock.milliseconds()
        )
        let steps = RetryScope.steps(plan: plan, records: records + [done], from: nil)
        do throws(StoreError) {
            try await self.store.retry(row, steps: steps, inputs: nil, key: key, byHand: done)
        } catch {
            guard error.code == .conflict else { throw error }
            throw DeskError(.changed(row.id), error.message)
        }
        return steps
    }

    /// Refuses a step that needs nobody's hand, and a run that asks for something else.
    private static func check(
        _ step: String,
        of row: RunRow,
        _ plan: Plan,
        _ records: [StepRecord]
    ) throws(DeskError) {
        let latest = records.last { $0.step == step }
        let isUndone = records.contains { $0.step.hasPrefix("\(step)!") }
        switch latest?.state {
        case .succeeded where !isUndone:
            throw DeskError(.notSkipped(row.id), "step '\(step)' has succeeded")
        case .skipped where latest?.byHand != nil:
            throw DeskError(.notSkipped(row.id), "step '\(step)' is done by hand already")
        case .skipped where latest?.failure == nil:
            throw DeskError(.notSkipped(row.id), "the run does not need step '\(step)'")
        default: break
        }
        guard row.status == .waiting else { return }
        // Queueing the run again would ask for what it waits for once more.
        for waiting in plan.steps {
            guard case .wait(let wait) = waiting.action,
                records.last(where: { $0.step == waiting.id })?.state == .intent
            else { continue }
            throw DeskError(
                .notSkipped(row.id),
                "run \(row.id) waits at step '\(waiting.id)', \(wait.noun): that comes first"
            )
        }
        let isUnderWay = records.contains { record in
            record.state == .intent && record.step != step
                && plan.steps.contains { $0.id == record.step }
        }
        if isUnderWay {
            throw DeskError(.notSkipped(row.id), "other steps of run \(row.id) are under way")
        }
    }

    /// Refuses a step behind one that waits for people or a signal and has not got it: who does the
    /// step by hand does not decide that.
    private static func checkWaits(
        before step: Step,
        of row: RunRow,
        _ plan: Plan,
        _ records: [StepRecord]
    ) throws(DeskError) {
        var latest: [String: StepRecord] = [:]
        for record in records { latest[record.step] = record }
        let needs = Dictionary(plan.steps.map { ($0.id, $0.needs) }) { first, _ in first }
        var needed: Set<String> = []
        var open = step.needs
        while let next = open.popLast() {
            if needed.insert(next).inserted { open += needs[next] ?? [] }
        }
        for other in plan.steps where needed.contains(other.id) {
            guard case .wait(let wait) = other.action else { continue }
            let record = latest[other.id]
            // One that its own `if` skipped is not needed.
            if record?.state == .succeeded || record?.state == .skipped && record?.failure == nil {
                continue
            }
            throw DeskError(
                .undecided(row.id),
                "step '\(step.id)' needs '\(other.id)', \(wait.noun) that has not succeeded"
            )
        }
    }
}

extension WaitAction {
    /// What it is, within a sentence.
    fileprivate var noun: String {
        switch self {
        case .approval: "an approval"
        case .signal: "a wait for a signal"
        }
    }
}
