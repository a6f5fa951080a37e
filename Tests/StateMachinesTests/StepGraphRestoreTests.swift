// Decides how a run goes on after a crash at every point of its life.

import PulserIR
import StateMachines
import Testing

private func record(
    _ step: String,
    _ attempt: Int,
    _ state: StepRecord.State,
    _ kind: RetryPolicy.Failure? = nil,
    failure: String? = nil
) -> StepRecord {
    StepRecord(step: step, attempt: attempt, state: state, failure: failure, failureKind: kind)
}

/// A run restored from `records`.
private func restored(
    _ steps: [Step],
    _ records: [StepRecord],
    retry: Int = 1,
    retryCount: Int = 0
) -> Drive {
    var run = Drive(steps, retry: retry, retryCount: retryCount)
    run.machine.restore(records)
    return run
}

@Suite
struct StepGraphRestoreTests {
    @Test("an attempt without a result is resolved, what succeeded is kept")
    func intent() throws {
        var run = restored(
            [step("a"), step("b", needs: ["a"])],
            [record("a", 1, .succeeded), record("b", 1, .intent)]
        )
        #expect(try run.tell(.begin) == [.resolve(1, number: 1)])
        #expect(try run.tell(.ended(1, .again)) == [.attempt(1, number: 2)])
        #expect(try run.tell(.ended(1, .succeeded)).last == .end(.succeeded))
    }

    @Test("what was done by hand lets others start only behind what it needs itself")
    func byHand() throws {
        let steps = [
            step("ask"), step("build", needs: ["ask"]), step("pack", needs: ["build"]),
            step("publish", needs: ["pack"]), step("tell", needs: ["pack"], if: "always()"),
        ]
        let done = ["build", "pack"].map { name in
            var done = record(name, 1, .skipped)
            done.byHand = .init(by: "ann", note: "n", atMilliseconds: 1)
            return done
        }
        var run = restored(steps, done)
        #expect(try run.tell(.begin) == [.attempt(0, number: 1)])
        let next = try run.tell(.ended(0, .succeeded))
        #expect(next == [.settle(0, .succeeded), .attempt(3, number: 1), .decide(4)])
        var rejected = restored(steps, done)
        #expect(try rejected.tell(.begin) == [.attempt(0, number: 1)])
        let end = try rejected.tell(.ended(0, .failed(.exit, retryable: false)))
        #expect(end == [.settle(0, .failed), .settle(3, .skipped), .decide(4)])
        var approved = restored(steps, [record("ask", 1, .succeeded)] + done)
        #expect(try approved.tell(.begin) == [.attempt(3, number: 1), .decide(4)])
    }

    @Test("a run whose last step is done ends at once")
    func complete() throws {
        var run = restored([step("a")], [record("a", 1, .succeeded)])
        #expect(try run.tell(.begin) == [.end(.succeeded)])
    }

    @Test("a step in its pause starts at once, a step without attempts left goes on failing")
    func failed() throws {
        var pausing = restored([step("a", tries: 2)], [record("a", 1, .failed, .exit)])
        #expect(try pausing.tell(.begin) == [.attempt(0, number: 2)])
        var over = restored([step("a", undo: 1)], [record("a", 1, .failed, .exit)])
        #expect(try over.tell(.begin) == [.rollBack(0)])
    }

    @Test("a run in its pause goes on with its next attempt, whatever the step's own policy is")
    func runPause() throws {
        let steps = [step("a", tries: 3, when: [.network])]
        var run = restored(steps, [record("a", 1, .failed, .exit)], retry: 2, retryCount: 1)
        #expect(try run.tell(.begin) == [.attempt(0, number: 2)])
        // The failure of the run's last attempt is final.
        let both = [record("a", 1, .failed, .exit), record("a", 2, .failed, .exit)]
        var over = restored(steps, both, retry: 2, retryCount: 1)
        #expect(try over.tell(.begin) == [.end(.failed)])
    }

    @Test("undoing goes on where it was")
    func rollback() throws {
        let steps = [step("a", undo: 2), step("b", needs: ["a"], undo: 1)]
        let begun = [record("a", 1, .succeeded), record("b", 1, .failed, .exit)]
        var second = restored(steps, begun + [record("b!0", 1, .succeeded)])
        #expect(try second.tell(.begin) == [.rollBack(0)])
        #expect(try second.tell(.rolledBack(0, true)) == [.end(.failed)])
        let half = begun + [record("b!0", 1, .succeeded), record("a!0", 1, .succeeded)]
        var inside = restored(steps, half)
        #expect(try inside.tell(.begin) == [.rollBack(0)])
        var stopped = restored(steps, begun + [record("b!0", 1, .failed, .exit)])
        #expect(try stopped.tell(.begin) == [.end(.failed)])
        #expect(stopped.machine.rollbackFailed)
    }

    @Test("a run that timed out goes on being undone, its stopped step first, and has timed out")
    func timedOut() throws {
        let steps = [step("a", undo: 1), step("b", needs: ["a"], undo: 2)]
        var run = restored(
            steps,
            [record("a", 1, .succeeded), record("b", 1, .cancelled), record("b!0", 1, .succeeded)]
        )
        #expect(try run.tell(.begin) == [.rollBack(1)])
        #expect(try run.tell(.rolledBack(1, true)) == [.rollBack(0)])
        #expect(try run.tell(.rolledBack(0, true)) == [.end(.timedOut)])
    }

    @Test("a failed step in its pause is undone when another step had failed for good")
    func failedTogether() throws {
        let steps = [
            step("a", tries: 5, undo: 1), step("b"), step("x", needs: ["b"], if: "always()"),
        ]
        var run = restored(steps, [record("a", 1, .failed, .exit), record("b", 1, .failed, .exit)])
        #expect(try run.tell(.begin) == [.rollBack(0)])
    }

    @Test("what cleaned up is not undone")
    func cleanup() throws {
        let steps = [step("a", undo: 1), step("x", needs: ["a"], if: "always()", undo: 1)]
        var run = restored(
            steps,
            [
                record("a", 1, .failed, .exit), record("a!0", 1, .succeeded),
                record("x", 1, .succeeded),
            ]
        )
        #expect(try run.tell(.begin) == [.end(.failed)])
    }

    @Test("a cancel that is repeated before the run resumes starts nothing")
    func cancelFirst() throws {
        var run = restored(
            [step("a"), step("b", needs: ["a"]), step("x", needs: ["b"], if: "always()")],
            [record("a", 1, .succeeded), record("b", 1, .cancelled)]
        )
        #expect(try run.tell(.cancel) == [.settle(1, .cancelled)])
        #expect(try run.tell(.begin) == [.decide(2)])
    }

    @Test("attempts before a person's retry do not use up the budget")
    func earlierAttempts() throws {
        var run = Drive([step("a", tries: 2)])
        run.machine.restore([], earlierAttempts: ["a": 2])
        #expect(try run.tell(.begin) == [.attempt(0, number: 3)])
        #expect(try run.tell(.ended(0, exit)) == [.pause(0, milliseconds: 1_000)])
    }

    @Test("steps skipped for a failure that no longer counts run")
    func skippedForNothing() throws {
        var run = restored([step("a"), step("b")], [record("b", 0, .skipped, failure: "failed")])
        #expect(try run.tell(.begin) == [.attempt(0, number: 1), .attempt(1, number: 1)])
    }
}
