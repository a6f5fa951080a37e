// Decides what a paused run still does, case by case.

import PulserIR
import StateMachines
import Testing

@Suite
struct SuspensionTests {
    @Test("a paused run ends what is under way, rests, and goes on with the next step")
    func rest() throws {
        var run = Drive([step("a"), step("b", needs: ["a"])])
        _ = try run.tell(.begin)
        #expect(try run.tell(.suspend) == [])
        #expect(!run.machine.isAtRest)
        #expect(try run.tell(.ended(0, .succeeded)) == [.settle(0, .succeeded), .tellSuspended])
        #expect(run.machine.isAtRest)
        #expect(try run.tell(.suspend) == [])
        #expect(try run.tell(.unsuspend) == [.tellUnsuspended, .attempt(1, number: 1)])
        #expect(try run.tell(.unsuspend) == [])
        #expect(try run.tell(.ended(1, .succeeded)).last == .end(.succeeded))
    }

    @Test("when nothing is left to begin, a paused run ends")
    func nothingLeft() throws {
        var run = Drive([step("a")])
        _ = try run.tell(.begin, .suspend)
        #expect(try run.tell(.ended(0, .succeeded)) == [.settle(0, .succeeded), .end(.succeeded)])
    }

    @Test("a run that goes on before it came to rest says nothing of it")
    func short() throws {
        var run = Drive([step("a"), step("b", needs: ["a"])])
        _ = try run.tell(.begin, .suspend)
        #expect(try run.tell(.unsuspend) == [])
        let next = try run.tell(.ended(0, .succeeded))
        #expect(next == [.settle(0, .succeeded), .attempt(1, number: 1)])
    }

    @Test("a condition that came true meanwhile begins nothing, and is asked again")
    func condition() throws {
        var run = Drive([step("a", if: "inputs.x")])
        _ = try run.tell(.begin, .suspend)
        #expect(try run.tell(.decided(0, true)) == [.tellSuspended])
        #expect(try run.tell(.unsuspend) == [.tellUnsuspended, .decide(0)])
    }

    @Test("a pause between attempts goes on, the next attempt waits")
    func retry() throws {
        var run = Drive([step("a", tries: 2)])
        _ = try run.tell(.begin, .suspend)
        let paused = try run.tell(.ended(0, exit))
        #expect(paused == [.pause(0, milliseconds: 1_000), .tellSuspended])
        #expect(try run.tell(.retryDue(0)) == [])
        #expect(try run.tell(.unsuspend) == [.tellUnsuspended, .attempt(0, number: 2)])
    }

    @Test("a failed run is neither tried again nor undone while it is paused")
    func failure() throws {
        var run = Drive([step("a", undo: 1), step("b", needs: ["a"])])
        _ = try run.tell(.begin, .ended(0, .succeeded), .suspend)
        #expect(try run.tell(.ended(1, exit)) == [.settle(1, .failed), .tellSuspended])
        #expect(try run.tell(.unsuspend) == [.tellUnsuspended, .rollBack(0)])

        var again = Drive([step("a")], retry: 2)
        _ = try again.tell(.begin, .suspend)
        #expect(try again.tell(.ended(0, exit)) == [.settle(0, .failed), .tellSuspended])
        let next = try again.tell(.unsuspend)
        #expect(next == [.tellUnsuspended, .pauseRun(retryCount: 1, milliseconds: 1_000)])
        #expect(try again.tell(.suspend) == [.tellSuspended])
        #expect(try again.tell(.runRetryDue) == [])
        #expect(try again.tell(.unsuspend) == [.tellUnsuspended, .attempt(0, number: 2)])
    }

    @Test("a paused run can be cancelled, and one out of time is undone")
    func stop() throws {
        var run = Drive([step("a", undo: 1), step("b", needs: ["a"])])
        _ = try run.tell(.begin, .suspend, .ended(0, .succeeded))
        var late = run
        #expect(try run.tell(.cancel) == [.settle(1, .cancelled), .end(.cancelled)])
        #expect(try late.tell(.timeout) == [.settle(1, .cancelled), .rollBack(0)])
        #expect(try late.tell(.suspend) == [])
        #expect(try late.tell(.rolledBack(0, true)) == [.end(.timedOut)])
    }

    @Test("a run that is undone or cleans up is not held")
    func late() throws {
        var run = Drive([step("a", undo: 1), step("b", needs: ["a"]), step("c", if: "always()")])
        _ = try run.tell(.begin, .decided(2, true), .ended(2, .succeeded), .ended(0, .succeeded))
        #expect(try run.tell(.ended(1, exit)).last == .rollBack(0))
        #expect(try run.tell(.suspend) == [])
        #expect(!run.machine.isSuspended)
        #expect(try run.tell(.rolledBack(0, true)).last == .end(.failed))
    }

    @Test("a paused run that is taken over leaves what was cut off alone until it goes on")
    func restored() throws {
        let journal = [
            StepRecord(step: "a", attempt: 1, state: .succeeded),
            StepRecord(step: "b", attempt: 1, state: .intent),
        ]
        var run = Drive([step("a"), step("b", needs: ["a"]), step("c", needs: ["b"])])
        run.machine.restore(journal)
        _ = try run.tell(.suspend)
        #expect(try run.tell(.begin) == [.tellSuspended])
        #expect(run.machine.isWaiting { _ in false })
        var cancelled = run
        #expect(try run.tell(.unsuspend) == [.tellUnsuspended, .resolve(1, number: 1)])
        #expect(!run.machine.isWaiting { _ in false })
        // Paused again before that came to an answer: the attempt waits, not the look at it.
        _ = try run.tell(.suspend)
        #expect(try run.tell(.ended(1, .again)) == [.tellSuspended])
        #expect(try run.tell(.unsuspend) == [.tellUnsuspended, .attempt(1, number: 2)])

        let stopped = try cancelled.tell(.cancel)
        #expect(stopped == [.stopAttempts, .settle(2, .cancelled), .resolve(1, number: 1)])
        let end = try cancelled.tell(.ended(1, .again))
        #expect(end == [.settle(1, .cancelled), .end(.cancelled)])
    }

    @Test("what is heard before a run begins starts nothing", arguments: [false, true])
    func early(isCut: Bool) throws {
        var run = Drive([step("a"), step("b", needs: ["a"])])
        if isCut { run.machine.restore([StepRecord(step: "a", attempt: 1, state: .intent)]) }
        #expect(try run.tell(.unsuspend) == [])
        #expect(try run.tell(.suspend) == [])
        #expect(try run.tell(.unsuspend) == [])
        let first: StepGraphMachine.Action =
            isCut ? .resolve(0, number: 1) : .attempt(0, number: 1)
        #expect(try run.tell(.begin) == [first])
    }
}
