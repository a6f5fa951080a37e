// The rules of workers outside: who gets a run, and when it is taken from them.

import StateMachines
import Testing

@Suite("Workers outside")
struct WorkerMachineTests {
    private func wish(
        _ number: Int64,
        max: Int = 1,
        until: Duration? = .seconds(10)
    ) -> WishMachine.Wish {
        WishMachine.Wish(
            node: 1,
            number: number,
            worker: "w\(number)",
            runsMax: max,
            lease: .seconds(30),
            until: until
        )
    }

    @Test("runs go to whoever has waited longest, no more than it asked for")
    func order() {
        var machine = WishMachine()
        _ = machine.ask(self.wish(1, max: 2), at: .zero)
        _ = machine.ask(self.wish(2), at: .zero)
        let demand = machine.demand(at: .zero)
        #expect(demand == 3)
        let given = machine.give(3, at: .zero)
        #expect(given.map(\.wish.number) == [1, 2])
        #expect(given.map(\.runs) == [2, 1])
        let left = (machine.demand(at: .zero), machine.give(1, at: .zero).count)
        #expect(left == (0, 0))
    }

    @Test("a question asked again keeps its turn and waits longer; one that was not is forgotten")
    func patience() {
        var machine = WishMachine()
        _ = machine.ask(self.wish(1, until: .seconds(5)), at: .zero)
        _ = machine.ask(self.wish(2, until: .seconds(20)), at: .zero)
        _ = machine.ask(self.wish(1, until: .seconds(12)), at: .seconds(4))
        let demand = (machine.demand(at: .seconds(11)), machine.demand(at: .seconds(12)))
        #expect(demand == (2, 1))
        #expect(machine.isAwaited(at: .seconds(19)))
        let given = machine.give(2, at: .seconds(19)).map(\.wish.number)
        #expect(given == [2])
        #expect(!machine.isAwaited(at: .seconds(20)))
        #expect(machine.askedAt == .seconds(4))
    }

    @Test("a worker that does not wait is told when there is nothing, once")
    func impatience() {
        var machine = WishMachine()
        _ = machine.ask(self.wish(1, until: nil), at: .zero)
        _ = machine.ask(self.wish(2), at: .zero)
        let told = (machine.takeImpatient().map(\.number), machine.takeImpatient().count)
        #expect(told == ([1], 0))
        let demand = machine.demand(at: .zero)
        machine.drop(node: 1, number: 2)
        let left = machine.demand(at: .zero)
        #expect(demand == 1 && left == 0)
    }

    @Test("a lane keeps so many questions and no more")
    func bound() {
        var machine = WishMachine()
        let kept = (0..<Int64(WishMachine.wishesMax)).filter { number in
            machine.ask(self.wish(number), at: .zero)
        }
        #expect(kept.count == WishMachine.wishesMax)
        let isKept = machine.ask(self.wish(-1), at: .zero)
        #expect(!isKept)
        // Those there are may ask again.
        let isKeptAgain = machine.ask(self.wish(7), at: .zero)
        #expect(isKeptAgain)
    }

    @Test("a worker keeps its run while it beats, and loses it when it does not")
    func lease() {
        var machine = WorkerClaimMachine(lease: .seconds(10), losses: 0, at: .zero)
        let early = machine.handle(.look, at: .seconds(9))
        #expect(early == .wait(until: .seconds(10)))
        let beaten = machine.handle(.beat(lease: .seconds(20)), at: .seconds(9))
        #expect(beaten == .wait(until: .seconds(29)))
        let over = machine.handle(.look, at: .seconds(29))
        #expect(over == .requeue)
        // Too late: the run may be another's by now.
        let late = machine.handle(.beat(lease: .seconds(20)), at: .seconds(29))
        #expect(late == .requeue)
    }

    @Test("a run that loses one worker after the other fails with the reason")
    func losses() {
        let last = WorkerClaimMachine.lossesMax - 1
        var machine = WorkerClaimMachine(lease: .seconds(10), losses: last - 1, at: .zero)
        let lost = machine.handle(.look, at: .seconds(10))
        #expect(lost == .requeue)
        machine = WorkerClaimMachine(lease: .seconds(10), losses: last, at: .zero)
        guard case .fail(let reason) = machine.handle(.look, at: .seconds(10)) else {
            Issue.record("it goes on")
            return
        }
        #expect(reason.contains("5 workers"))
    }

    @Test("a worker has some time for ending what somebody cancelled, however often it beats")
    func cancel() {
        var machine = WorkerClaimMachine(lease: .seconds(100), losses: 0, at: .zero)
        let asked = machine.handle(.cancel(reason: "enough"), at: .zero)
        #expect(asked == .wait(until: .seconds(30)))
        #expect(machine.cancelReason == "enough")
        _ = machine.handle(.cancel(reason: "again"), at: .seconds(20))
        let beaten = machine.handle(.beat(lease: .seconds(100)), at: .seconds(29))
        #expect(beaten == .wait(until: .seconds(30)))
        let ended = machine.handle(.look, at: .seconds(30))
        #expect(ended == .cancel(reason: "enough"))
    }

    @Test("a worker whose node is new has a grace, however little was left of its lease")
    func adoption() {
        var machine = WorkerClaimMachine(adopted: .seconds(-5), losses: 0, at: .zero)
        let first = machine.handle(.look, at: .zero)
        #expect(first == .wait(until: .seconds(10)))
        machine = WorkerClaimMachine(adopted: .seconds(60), losses: 0, at: .zero)
        let paused = machine.handle(.pause(true), at: .zero)
        #expect(paused == .wait(until: .seconds(60)))
        #expect(machine.isPaused)
        #expect(machine.leaseLeft(at: .seconds(20)) == .seconds(40))
    }

    @Test("leases have bounds")
    func bounds() {
        #expect(WorkerClaimMachine.bounded(.zero) == .seconds(1))
        #expect(WorkerClaimMachine.bounded(.seconds(100_000)) == .seconds(3_600))
        #expect(WorkerClaimMachine.bounded(.seconds(5)) == .seconds(5))
    }

    @Test(
        "a failure is tried again while attempts and time are left and nobody wants the run's end"
    )
    func again() {
        var machine = WorkerClaimMachine(lease: .seconds(10), losses: 0, at: .zero)
        for (delay, attempts, left, isTried) in [
            (0, 1, 60, true), (0, 2, 60, true), (0, 3, 60, false), (0, 4, 60, false),
            (59, 1, 60, true), (60, 1, 60, false), (0, 1, 0, false), (0, 1, -5, false),
        ] {
            let triesAgain = machine.triesAgain(
                after: .seconds(delay),
                attempts: attempts,
                of: 3,
                timeLeft: .seconds(left)
            )
            #expect(triesAgain == isTried, "after \(delay) s, attempt \(attempts), \(left) s left")
        }
        _ = machine.handle(.cancel(reason: "enough"), at: .zero)
        let late = machine.triesAgain(
            after: .zero,
            attempts: 1,
            of: 3,
            timeLeft: .seconds(60)
        )
        #expect(!late)
    }
}
