// Decides which steps of a run a person's retry runs again.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite
struct RetryScopeTests {
    private let plan = Plan(
        name: "p",
        steps: [
            step("a"), step("b", needs: ["a"]), step("c", needs: ["b"]), step("x"),
            step("y", needs: ["x"]),
        ]
    )

    private func again(_ records: [(String, StepRecord.State)], from: String? = nil) -> [String] {
        let records = records.map { name, state in
            StepRecord(
                step: name,
                attempt: state == .skipped ? 0 : 1,
                state: state,
                failure: name == "y" ? "the run failed before it" : nil
            )
        }
        return RetryScope.steps(plan: self.plan, records: records, from: from)
    }

    @Test("what did not succeed runs again, with all that depends on it")
    func failed() {
        let records: [(String, StepRecord.State)] = [
            ("a", .succeeded), ("b", .failed), ("x", .succeeded), ("y", .succeeded),
        ]
        #expect(self.again(records) == ["b", "c"])
        #expect(self.again([]) == ["a", "b", "c", "x", "y"])
    }

    @Test("what was done by hand stays done, unless somebody begins with a step before it")
    func byHand() {
        var done = StepRecord(step: "b", attempt: 2, state: .skipped)
        done.byHand = .init(by: "ann", note: "n", atMilliseconds: 1)
        let records = [
            StepRecord(step: "a", attempt: 1, state: .failed),
            StepRecord(step: "x", attempt: 1, state: .succeeded),
            StepRecord(step: "y", attempt: 1, state: .succeeded), done,
            StepRecord(step: "b!0", attempt: 1, state: .succeeded),
        ]
        #expect(RetryScope.steps(plan: self.plan, records: records, from: nil) == ["a", "c"])
        let all = RetryScope.steps(plan: self.plan, records: records, from: "a")
        #expect(all == ["a", "b", "c"])
        #expect(RetryScope.steps(plan: self.plan, records: records, from: "b") == ["a", "b", "c"])
    }

    @Test("a step that its own condition skipped stays skipped")
    func skipped() {
        let records: [(String, StepRecord.State)] = [
            ("a", .succeeded), ("b", .skipped), ("c", .succeeded), ("x", .succeeded),
            ("y", .skipped),
        ]
        #expect(self.again(records) == ["y"])
    }

    @Test("a beginning that succeeded runs again, beside what failed elsewhere")
    func from() {
        let records: [(String, StepRecord.State)] = [
            ("a", .succeeded), ("b", .succeeded), ("c", .succeeded), ("x", .failed),
            ("y", .skipped),
        ]
        #expect(self.again(records, from: "b") == ["b", "c", "x", "y"])
    }

    @Test("what was undone runs again, whatever the beginning is")
    func undone() {
        let records: [(String, StepRecord.State)] = [
            ("a", .succeeded), ("b", .succeeded), ("c", .succeeded), ("x", .succeeded),
            ("y", .succeeded), ("a!0", .succeeded),
        ]
        #expect(self.again(records, from: "y") == ["a", "b", "c", "y"])
    }

    @Test("for every random journal the scope is closed under needs and leaves only what succeeded")
    func closed() {
        for seed in UInt64(1)...300 {
            var generator = SeededGenerator(seed: seed)
            let plan = RandomPlan(seed: seed).plan
            let records = plan.steps.filter { _ in generator.chance(80) }.map {
                StepRecord(
                    step: $0.id,
                    attempt: 1,
                    state: generator.pick([.succeeded, .failed, .cancelled, .unknown, .intent])
                )
            }
            let from = generator.chance(50) ? generator.pick(plan.steps).id : nil
            let again = Set(RetryScope.steps(plan: plan, records: records, from: from))
            let succeeded = Set(records.filter { $0.state == .succeeded }.map(\.step))
            for step in plan.steps {
                if step.needs.contains(where: again.contains) {
                    #expect(again.contains(step.id), "seed \(seed)")
                }
                let isKept = !again.contains(step.id)
                if isKept { #expect(succeeded.contains(step.id), "seed \(seed)") }
            }
            if let from { #expect(again.contains(from), "seed \(seed)") }
        }
    }
}
