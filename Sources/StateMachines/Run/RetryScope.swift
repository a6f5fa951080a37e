// Decides which steps run again when a person retries a run.

public import PulserIR

/// Steps to run again.
public enum RetryScope {
    /// The steps to run again and all that depend on them.
    ///
    /// What a person did by hand stays done, unless the person now begins with a step before it.
    ///
    /// - Parameters:
    ///   - plan: The plan of the run.
    ///   - records: The run's journal, what counts of it, in the order it was begun.
    ///   - from: A step that runs again although it succeeded, beside every step that did not
    ///     succeed or was undone.
    /// - Returns: Step ids in the plan's order; empty when there is nothing to run again.
    public static func steps(plan: Plan, records: [StepRecord], from: String?) -> [String] {
        var again: Set<String> = []
        if let from { again.insert(from) }
        // A step that failed elsewhere runs too: the run could not succeed without it.
        var latest: [String: StepRecord] = [:]
        for record in records { latest[record.step] = record }
        for step in plan.steps {
            switch latest[step.id]?.state {
            case .succeeded: break
            case .skipped where latest[step.id]?.failure == nil: break
            default: again.insert(step.id)
            }
        }
        // What was undone must be done again, whatever the beginning is.
        for record in records {
            guard let mark = record.step.firstIndex(of: "!") else { continue }
            let step = String(record.step[..<mark])
            if latest[step]?.byHand == nil { again.insert(step) }
        }
        var grew = true
        while grew {
            grew = false
            for step in plan.steps
            where !again.contains(step.id) && (from != nil || latest[step.id]?.byHand == nil) {
                if step.needs.contains(where: again.contains) {
                    again.insert(step.id)
                    grew = true
                }
            }
        }
        return plan.steps.map(\.id).filter(again.contains)
    }
}
