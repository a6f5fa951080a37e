// Decides how a run's graph moves in the cases a person would draw on a board.

import PulserIR
import StateMachines
import Testing

private typealias Action = StepGraphMachine.Action

/// A graph driven by hand; an impossible transition fails the test.
struct Drive {
    var machine: StepGraphMachine

    init(_ steps: [Step], parallel: Int = 8, retry: Int = 1, retryCount: Int = 0) {
        var plan = Plan(name: "board", steps: steps)
        plan.maxParallel = parallel
        plan.retry = RetryPolicy(maxAttempts: retry, jitter: 0)
        self.machine = StepGraphMachine(plan: plan, retryCount: retryCount)
    }

    mutating func tell(_ events: StepGraphMachine.Event...) throws -> [StepGraphMachine.Action] {
        var actions: [StepGraphMachine.Action] = []
        for event in events { actions = try self.machine.handle(event, random: 0.5) }
        return actions
    }
}

func step(
    _ id: String,
    needs: [String] = [],
    if condition: String? = nil,
    tries: Int? = nil,
    when: [RetryPolicy.Failure] = [],
    undo: Int = 0
) -> Step {
    var step = Step(id: id, needs: needs, action: .sleep(milliseconds: 0))
    if let condition { step.condition = try? Expression(parsing: condition) }
    step.retry = tries.map { RetryPolicy(maxAttempts: $0, jitter: 0, when: when) }
    let action = RollbackAction(action: .sleep(milliseconds: 0))
    step.rollback = [RollbackAction](repeating: action, count: undo)
    return step
}

let exit = StepGraphMachine.AttemptEnd.failed(.exit, retryable: true)

@Suite
struct StepGraphTests {
    @Test("a diamond runs its sides together and its end last")
    func diamond() throws {
        var run = Drive([
            step("a"), step("b", needs: ["a"]), step("c", needs: ["a"]),
            step("d", needs: ["b", "c"]),
        ])
        #expect(try run.tell(.begin) == [.attempt(0, number: 1)])
        let sides = try run.tell(.ended(0, .succeeded))
        #expect(sides == [.settle(0, .succeeded), .attempt(1, number: 1), .attempt(2, number: 1)])
        #expect(try run.tell(.ended(2, .succeeded)) == [.settle(2, .succeeded)])
        let last = try run.tell(.ended(1, .succeeded))
        #expect(last == [.settle(1, .succeeded), .attempt(3, number: 1)])
        let end = try run.tell(.ended(3, .succeeded))
        #expect(end == [.settle(3, .succeeded), .end(.succeeded)])
        #expect(throws: UnreachableTransition.self) { try run.tell(.begin) }
    }

    @Test(
        "a step that asks to be tried later uses up no attempt, also when its node dies meanwhile"
    )
    func snoozed() throws {
        let plan = [step("a")]
        var run = Drive(plan)
        _ = try run.tell(.begin)
        for number in 1...3 {
            let later = try run.tell(.ended(0, .snoozed(milliseconds: 7)))
            #expect(later == [.pause(0, milliseconds: 7)])
            #expect(try run.tell(.retryDue(0)) == [.attempt(0, number: number + 1)])
        }
        #expect(try run.tell(.ended(0, exit)).last == .end(.failed))

        var again = Drive(plan)
        var record = StepRecord(step: "a", attempt: 1, state: .cancelled)
        record.snoozedMilliseconds = 7
        again.machine.restore([record])
        #expect(try again.tell(.begin) == [.attempt(0, number: 2)])
        #expect(try again.tell(.ended(0, exit)).last == .end(.failed))
    }

    @Test("a step whose own condition is false is skipped and holds nobody back")
    func skip() throws {
        var run = Drive([step("a", if: "inputs.x"), step("b", needs: ["a"])])
        #expect(try run.tell(.begin) == [.decide(0)])
        let skipped = try run.tell(.decided(0, false))
        #expect(skipped == [.settle(0, .skipped), .attempt(1, number: 1)])
        #expect(run.machine.isSkippedByCondition(0))
        #expect(try run.tell(.ended(1, .succeeded)).last == .end(.succeeded))
    }

    @Test(
        "a condition that cannot be decided fails its step, and the run is not tried again for it"
    )
    func undecidable() throws {
        var run = Drive([step("a", if: "inputs.x"), step("b", needs: ["a"])], retry: 3)
        _ = try run.tell(.begin)
        let end = try run.tell(.undecidable(0))
        #expect(end == [.settle(0, .failed), .settle(1, .skipped), .end(.failed)])
        #expect(!run.machine.isSkippedByCondition(1))
    }

    @Test("a step is tried within its budget, then it fails for good")
    func budget() throws {
        var run = Drive([step("a", tries: 3)])
        _ = try run.tell(.begin)
        #expect(try run.tell(.ended(0, exit)) == [.pause(0, milliseconds: 1_000)])
        #expect(try run.tell(.retryDue(0)) == [.attempt(0, number: 2)])
        #expect(try run.tell(.ended(0, exit)) == [.pause(0, milliseconds: 2_000)])
        #expect(try run.tell(.retryDue(0)) == [.attempt(0, number: 3)])
        #expect(try run.tell(.ended(0, exit)) == [.settle(0, .failed), .end(.failed)])
    }

    @Test("a kind of failure that the policy does not name is not tried again")
    func kinds() throws {
        var run = Drive([step("a", tries: 3, when: [.network])])
        _ = try run.tell(.begin)
        #expect(try run.tell(.ended(0, exit)).last == .end(.failed))
    }

    @Test("a run with attempts left pauses and runs its failed steps again, not the others")
    func runRetry() throws {
        var run = Drive([step("a"), step("b", needs: ["a"])], retry: 2)
        _ = try run.tell(.begin, .ended(0, .succeeded))
        let pause = try run.tell(.ended(1, exit))
        #expect(pause == [.settle(1, .failed), .pauseRun(retryCount: 1, milliseconds: 1_000)])
        #expect(try run.tell(.runRetryDue) == [.attempt(1, number: 2)])
        #expect(try run.tell(.ended(1, exit)) == [.settle(1, .failed), .end(.failed)])
    }

    @Test("a failure that can only repeat does not have the run tried again")
    func notRetryable() throws {
        var run = Drive([step("a", tries: 3)], retry: 3)
        _ = try run.tell(.begin)
        let end = try run.tell(.ended(0, .failed(.error, retryable: false)))
        #expect(end.last == .end(.failed))
    }

    @Test("undoing goes backwards, the failed step first")
    func rollbackOrder() throws {
        var run = Drive([
            step("a", undo: 1), step("b", needs: ["a"]), step("c", needs: ["b"], undo: 1),
        ])
        _ = try run.tell(.begin, .ended(0, .succeeded), .ended(1, .succeeded))
        #expect(try run.tell(.ended(2, exit)) == [.settle(2, .failed), .rollBack(2)])
        #expect(try run.tell(.rolledBack(2, true)) == [.rollBack(0)])
        #expect(try run.tell(.rolledBack(0, true)) == [.end(.failed)])
        #expect(!run.machine.rollbackFailed)
    }

    @Test("an undo that fails stops the chain")
    func rollbackFails() throws {
        var run = Drive([step("a", undo: 1), step("b", needs: ["a"], undo: 1)])
        _ = try run.tell(.begin, .ended(0, .succeeded), .ended(1, exit))
        #expect(try run.tell(.rolledBack(1, false)) == [.end(.failed)])
        #expect(run.machine.rollbackFailed)
    }

    @Test("always() and failure() clean up after a failure, within the plan's parallelism")
    func cleanup() throws {
        var run = Drive(
            [
                step("a"), step("x", needs: ["a"], if: "always()"),
                step("y", needs: ["a"], if: "failure()"), step("z", needs: ["a"]),
            ],
            parallel: 1
        )
        _ = try run.tell(.begin)
        let first = try run.tell(.ended(0, exit))
        #expect(first == [.settle(0, .failed), .settle(3, .skipped), .decide(1)])
        #expect(try run.tell(.decided(1, true)) == [.attempt(1, number: 1)])
        #expect(try run.tell(.ended(1, .succeeded)) == [.settle(1, .succeeded), .decide(2)])
        #expect(try run.tell(.decided(2, true)) == [.attempt(2, number: 1)])
        #expect(try run.tell(.ended(2, .succeeded)).last == .end(.failed))
    }

    @Test("a failure() that was asked just before the failure is asked again")
    func lateFailure() throws {
        var run = Drive([step("a"), step("x", if: "failure()")])
        #expect(try run.tell(.begin) == [.attempt(0, number: 1), .decide(1)])
        #expect(try run.tell(.ended(0, exit)) == [.settle(0, .failed)])
        #expect(try run.tell(.decided(1, false)) == [.decide(1)])
        #expect(try run.tell(.decided(1, true)) == [.attempt(1, number: 1)])
    }

    @Test("a step whose pause is over waits for a place")
    func retryHoldsParallelism() throws {
        var run = Drive([step("a", tries: 2), step("b")], parallel: 1)
        _ = try run.tell(.begin)
        let pause = try run.tell(.ended(0, exit))
        #expect(pause == [.pause(0, milliseconds: 1_000), .attempt(1, number: 1)])
        #expect(try run.tell(.retryDue(0)) == [])
        let next = try run.tell(.ended(1, .succeeded))
        #expect(next == [.settle(1, .succeeded), .attempt(0, number: 2)])
    }

    @Test("a cancelled run stops what is under way, undoes nothing and cleans up")
    func cancel() throws {
        var run = Drive([
            step("a", undo: 1), step("b", needs: ["a"]), step("x", needs: ["b"], if: "always()"),
        ])
        _ = try run.tell(.begin)
        #expect(try run.tell(.cancel) == [.stopAttempts, .settle(1, .cancelled)])
        #expect(try run.tell(.ended(0, .stopped)) == [.settle(0, .cancelled), .decide(2)])
        #expect(try run.tell(.cancel) == [])
        _ = try run.tell(.decided(2, true))
        #expect(try run.tell(.ended(2, .succeeded)).last == .end(.cancelled))
    }

    @Test("a cancel during a step's pause or the run's pause ends the run at once")
    func cancelInPause() throws {
        var inStep = Drive([step("a", tries: 2)])
        _ = try inStep.tell(.begin, .ended(0, exit))
        #expect(try inStep.tell(.cancel) == [.settle(0, .cancelled), .end(.cancelled)])
        var inRun = Drive([step("a")], retry: 2)
        _ = try inRun.tell(.begin, .ended(0, exit))
        #expect(try inRun.tell(.cancel) == [.end(.cancelled)])
    }

    @Test("a run taken over in its pause goes on pausing, unless something is to be settled first")
    func pauseTakenOver() throws {
        let plan = Drive([step("a"), step("b")], retry: 3).machine.plan
        let failed = StepRecord(step: "a", attempt: 1, state: .failed, failureKind: .exit)
        func taken(_ records: [StepRecord], retryCount: Int) -> (StepGraphMachine, isPausing: Bool)
        {
            var machine = StepGraphMachine(plan: plan, retryCount: retryCount)
            machine.restore(records)
            let isPausing = machine.restoreRetry()
            return (machine, isPausing)
        }
        var (machine, isPausing) = taken([failed], retryCount: 1)
        #expect(isPausing)
        #expect(try machine.handle(.begin, random: 0).isEmpty)
        #expect(
            try machine.handle(.runRetryDue, random: 0) == [
                .attempt(0, number: 2), .attempt(1, number: 1),
            ]
        )
        (machine, isPausing) = taken([failed], retryCount: 1)
        _ = try machine.handle(.begin, random: 0)
        #expect(try machine.handle(.cancel, random: 0).last == .end(.cancelled))
        #expect(!taken([failed], retryCount: 0).isPausing)
        let intent = StepRecord(step: "b", attempt: 1, state: .intent)
        #expect(!taken([failed, intent], retryCount: 1).isPausing)
    }

    @Test("a cancel while the run is undone or cleans up changes nothing")
    func cancelLate() throws {
        var run = Drive([step("a", undo: 1), step("x", needs: ["a"], if: "always()")])
        _ = try run.tell(.begin, .ended(0, exit))
        #expect(try run.tell(.cancel) == [])
        _ = try run.tell(.rolledBack(0, true))
        #expect(try run.tell(.cancel, .timeout) == [])
        _ = try run.tell(.decided(1, true))
        #expect(try run.tell(.ended(1, .succeeded)).last == .end(.failed))
    }

    @Test("a run whose time is over is undone, the stopped step first")
    func timeout() throws {
        var run = Drive([step("a", undo: 1), step("b", needs: ["a"], undo: 1)])
        _ = try run.tell(.begin, .ended(0, .succeeded))
        #expect(try run.tell(.timeout) == [.stopAttempts])
        #expect(try run.tell(.ended(1, .stopped)) == [.settle(1, .cancelled), .rollBack(1)])
        #expect(try run.tell(.rolledBack(1, true)) == [.rollBack(0)])
        #expect(try run.tell(.rolledBack(0, true)) == [.end(.timedOut)])
    }

    @Test("an unknown outcome holds the run for a person, also when another step fails")
    func unknown() throws {
        var run = Drive(
            [step("a"), step("b"), step("c", needs: ["b"]), step("d", tries: 2)],
            retry: 3
        )
        _ = try run.tell(.begin)
        #expect(try run.tell(.ended(0, .unknown)) == [.settle(0, .unknown)])
        #expect(try run.tell(.ended(1, .succeeded)) == [.settle(1, .succeeded)])
        let last = try run.tell(.ended(3, exit))
        #expect(last.last == .waitForPerson(0), "asked when nothing runs any more")
        #expect(try run.tell(.retryDue(3)) == [])
        _ = try run.tell(.cancel)
        #expect(run.machine.phase == .ended)
    }

    @Test("nobody stops a step of a run that goes on")
    func stoppedForNothing() throws {
        var run = Drive([step("a")])
        _ = try run.tell(.begin)
        #expect(throws: UnreachableTransition.self) { try run.tell(.ended(0, .stopped)) }
    }
}
