// Decides what an owner serves, hands over and refuses.

import PulserIR
import StateMachines
import Testing

@Suite
struct ShardOwnerMachineTests {
    private static let me = NodeEpoch(1)
    private static let other = NodeEpoch(2)
    private static let owned = OwnedShard(shard: 0, generation: 5)

    private static func row(
        _ state: ShardState,
        owner: NodeEpoch? = me,
        generation: Int64 = 5,
        target: NodeEpoch? = nil,
        effectsIn: Duration = .zero
    ) -> [ShardView] {
        [
            ShardView(
                shard: 0,
                owner: owner,
                generation: generation,
                state: state,
                target: target,
                effectsIn: effectsIn
            )
        ]
    }

    /// An owner whose shard 0 runs at generation 5.
    private static func running() -> ShardOwnerMachine {
        var machine = ShardOwnerMachine(me: self.me)
        _ = machine.learn(self.row(.running), sentAt: .zero, at: .zero)
        return machine
    }

    @Test("an assigned shard is served only after its start is confirmed")
    func start() {
        var machine = ShardOwnerMachine(me: Self.me)
        let learnt = machine.learn(
            Self.row(.assigned, effectsIn: .seconds(10)),
            sentAt: .zero,
            at: .seconds(1)
        )
        #expect(learnt.isEmpty)
        #expect(machine.admission(0, generation: 5) == .moving)
        let request = DirectoryRequest.start([Self.owned])
        #expect(machine.work(at: .seconds(1)).requests == [request])
        #expect(machine.work(at: .seconds(1)).requests == [])
        // A tenth more than the database said, for a clock that runs too fast.
        let begun = machine.answered(request, .owned([Self.owned]), at: .seconds(2))
        #expect(begun == [.begin(Self.owned, effectsFrom: .seconds(12))])
        #expect(machine.admission(0, generation: 5) == .admit)
        #expect(!machine.mayAct(0, generation: 5, at: .milliseconds(11_999)))
        #expect(machine.mayAct(0, generation: 5, at: .seconds(12)))
        #expect(!machine.mayAct(0, generation: 4, at: .seconds(12)))
    }

    @Test("a start whose reply is lost is noticed by the next reading")
    func lostStart() {
        var machine = ShardOwnerMachine(me: Self.me)
        _ = machine.learn(Self.row(.assigned), sentAt: .zero, at: .zero)
        let request = DirectoryRequest.start([Self.owned])
        #expect(machine.work(at: .zero).requests == [request])
        #expect(machine.answered(request, .failed, at: .seconds(3)) == [])
        #expect(machine.work(at: .seconds(3)).requests == [], "a pause first")
        #expect(machine.work(at: .seconds(4)).requests == [request])
        let begun = machine.answered(request, .owned([Self.owned]), at: .seconds(4))
        #expect(begun == [.begin(Self.owned, effectsFrom: .zero)])
    }

    @Test("a message meets admission, or hears where the shard is")
    func admission() {
        var machine = Self.running()
        #expect(machine.admission(0, generation: 4) == .stale(generation: 5))
        #expect(machine.admission(0, generation: 6) == .refresh)
        #expect(machine.admission(7, generation: 0) == .refresh)
        let lost = machine.learn(
            Self.row(.running, owner: Self.other, generation: 6),
            sentAt: .zero,
            at: .zero
        )
        #expect(lost == [.stop(Self.owned)])
        #expect(machine.admission(0, generation: 5) == .moved(to: Self.other, generation: 6))
        #expect(!machine.mayAct(0, generation: 5, at: .seconds(1)))
        _ = machine.learn(Self.row(.free, owner: nil, generation: 7), sentAt: .zero, at: .zero)
        #expect(machine.admission(0, generation: 7) == .moving)
    }

    @Test("a marked shard settles, is handed over once, and what waits is forwarded")
    func handOver() {
        var machine = Self.running()
        let marked = machine.learn(
            Self.row(.handingOff, target: Self.other),
            sentAt: .zero,
            at: .seconds(1)
        )
        #expect(marked == [.settle(Self.owned)])
        #expect(machine.admission(0, generation: 5) == .moving)
        #expect(machine.mayAct(0, generation: 5, at: .seconds(1)), "work under way may end")
        #expect(machine.work(at: .seconds(2)).requests == [])
        machine.settled(Self.owned)
        #expect(!machine.mayAct(0, generation: 5, at: .seconds(2)))
        let request = DirectoryRequest.handOver(Self.owned, to: Self.other)
        #expect(machine.work(at: .seconds(2)).requests == [request])
        let forwarded = machine.answered(request, .handedOver(6), at: .seconds(2))
        #expect(forwarded == [.forward(Self.owned, to: Self.other, generation: 6)])
        #expect(machine.isEmpty)
        // A reading from before must not bring it back.
        let stale = machine.learn(
            Self.row(.handingOff, target: Self.other),
            sentAt: .seconds(1),
            at: .seconds(3)
        )
        #expect(stale == [] && machine.isEmpty)
    }

    @Test("a shard that does not come to rest within five seconds stays, and its work goes on")
    func declined() {
        var machine = Self.running()
        let row = Self.row(.handingOff, target: Self.other)
        _ = machine.learn(row, sentAt: .zero, at: .seconds(1))
        #expect(machine.wakeAt == .seconds(6))
        #expect(machine.work(at: .milliseconds(5_999)).requests == [])
        let request = DirectoryRequest.decline([Self.owned])
        let (actions, requests) = machine.work(at: .seconds(6))
        #expect(actions == [])
        #expect(requests == [request])
        #expect(machine.mayAct(0, generation: 5, at: .seconds(6)))
        #expect(machine.answered(request, .failed, at: .seconds(7)) == [])
        #expect(machine.work(at: .seconds(8)).requests == [request])
        let resumed = machine.answered(request, .owned([Self.owned]), at: .seconds(8))
        #expect(resumed == [.resume(Self.owned)])
        #expect(machine.admission(0, generation: 5) == .admit)
        #expect(machine.work(at: .seconds(9)).requests == [])
    }

    @Test(
        "declining comes too late for a shard that was taken away, and changes nothing where the mark is gone"
    )
    func declinedTooLate() {
        var machine = Self.running()
        let marked = Self.row(.handingOff, target: Self.other)
        _ = machine.learn(marked, sentAt: .zero, at: .zero)
        let request = DirectoryRequest.decline([Self.owned])
        #expect(machine.work(at: .seconds(5)).requests == [request])
        #expect(machine.answered(request, .owned([]), at: .seconds(6)) == [])
        var other = machine
        let taken = Self.row(.assigned, owner: Self.other, generation: 6)
        #expect(machine.learn(taken, sentAt: .seconds(6), at: .seconds(7)) == [.stop(Self.owned)])
        let unmarked = other.learn(Self.row(.running), sentAt: .seconds(6), at: .seconds(7))
        #expect(unmarked == [.resume(Self.owned)])
    }

    @Test("work of a leaving node is cut off in the end, and its shard handed over or let go")
    func cutOff() {
        for target in [Self.other, nil] {
            var machine = Self.running()
            let moved = machine.move(0, to: target, isLeaving: true, at: .zero)
            #expect(moved == [.settle(Self.owned)])
            #expect(machine.leaving(at: .zero) == 1)
            #expect(machine.leaving(at: .seconds(1)) == 0, "others need not wait for it")
            #expect(machine.work(at: .milliseconds(9_999)).actions == [])
            let (actions, requests) = machine.work(at: .seconds(10))
            #expect(actions.first == .stop(Self.owned))
            let wanted: DirectoryRequest =
                target.map { .handOver(Self.owned, to: $0) } ?? .release([Self.owned])
            #expect(requests == [wanted])
        }
    }

    /// An owner whose node a person drains; its shard has not come to rest for an hour.
    private static func draining() -> ShardOwnerMachine {
        var machine = Self.running()
        _ = machine.move(0, to: self.other, isLeaving: false, at: .zero)
        #expect(machine.wakeAt == nil)
        let (actions, requests) = machine.work(at: .seconds(3_600))
        #expect(actions == [] && requests == [])
        #expect(machine.mayAct(0, generation: 5, at: .seconds(3_600)))
        return machine
    }

    @Test("a person's drain cuts nothing off, however long it takes")
    func patient() {
        var machine = Self.draining()
        machine.settled(Self.owned)
        let request = DirectoryRequest.handOver(Self.owned, to: Self.other)
        #expect(machine.work(at: .seconds(3_600)).requests == [request])
    }

    @Test("a process that ends while a person drains its node waits no longer than without that")
    func hurried() {
        var machine = Self.draining()
        machine.hurry(at: .seconds(3_600))
        machine.hurry(at: .seconds(3_605))
        #expect(machine.wakeAt == .seconds(3_610))
        #expect(machine.work(at: .seconds(3_609)).actions == [])
        #expect(machine.work(at: .seconds(3_610)).actions == [.stop(Self.owned)])
    }

    @Test("a drain that is taken back has its shards served again, but those with a mark")
    func takenBack() {
        var machine = Self.draining()
        var atRest = machine
        #expect(machine.stay() == [.resume(Self.owned)])
        #expect(machine.admission(0, generation: 5) == .admit)
        #expect(machine.stay() == [])
        atRest.settled(Self.owned)
        var asking = atRest
        #expect(atRest.stay() == [.resume(Self.owned)])
        _ = asking.work(at: .seconds(3_600))
        #expect(asking.stay() == [], "it may be another's already")
    }

    @Test("a shard that is marked while its node drains is kept before it is forced")
    func markedMeanwhile() {
        var machine = Self.draining()
        let row = Self.row(.handingOff, target: NodeEpoch(3))
        _ = machine.learn(row, sentAt: .seconds(3_600), at: .seconds(3_600))
        #expect(machine.stay() == [])
        #expect(machine.work(at: .seconds(3_605)).requests == [.decline([Self.owned])])
    }

    @Test("a shard at rest that nobody takes is ended and let go")
    func nobody() {
        var machine = Self.running()
        _ = machine.move(0, to: nil, isLeaving: true, at: .zero)
        machine.settled(Self.owned)
        let (actions, requests) = machine.work(at: .seconds(1))
        #expect(actions == [.stop(Self.owned)])
        #expect(requests == [.release([Self.owned])])
    }

    @Test("a mark that is taken back has the shard served again")
    func unmarked() {
        var machine = Self.running()
        let row = Self.row(.handingOff, target: Self.other)
        _ = machine.learn(row, sentAt: .zero, at: .zero)
        let resumed = machine.learn(Self.row(.running), sentAt: .seconds(1), at: .seconds(1))
        #expect(resumed == [.resume(Self.owned)])
        #expect(machine.admission(0, generation: 5) == .admit)
    }

    @Test("a refused handing over is cleared up by a later reading, not by an earlier one")
    func refused() {
        let outcomes: [(ShardState, [DirectoryRequest])] = [
            (.running, []), (.handingOff, [.decline([Self.owned])]),
        ]
        for (state, requests) in outcomes {
            var machine = Self.running()
            let target = state == .handingOff ? Self.other : nil
            _ = machine.move(0, to: Self.other, isLeaving: true, at: .zero)
            machine.settled(Self.owned)
            let request = DirectoryRequest.handOver(Self.owned, to: Self.other)
            #expect(machine.work(at: .zero).requests == [request])
            _ = machine.answered(request, .handedOver(nil), at: .seconds(2))
            let row = Self.row(state, target: target)
            _ = machine.learn(row, sentAt: .seconds(1), at: .seconds(3))
            #expect(machine.work(at: .seconds(3)).requests == [])
            _ = machine.learn(row, sentAt: .seconds(3), at: .seconds(4))
            #expect(machine.work(at: .seconds(4)).requests == requests)
        }
    }

    @Test("letting go stops everything first and releases it, whatever the answer was")
    func release() {
        for confirmed in [[Self.owned], []] {
            var machine = Self.running()
            #expect(machine.letGo() == [.stop(Self.owned)])
            #expect(machine.letGo() == [])
            let request = DirectoryRequest.release([Self.owned])
            #expect(machine.work(at: .zero).requests == [request])
            _ = machine.answered(request, .owned(confirmed), at: .seconds(1))
            #expect(machine.isEmpty)
            _ = machine.learn(Self.row(.running), sentAt: .zero, at: .seconds(2))
            #expect(machine.isEmpty, "a reading from before brings nothing back")
        }
    }
}
