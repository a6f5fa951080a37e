// Decides when a relay is asked, waited for, given up and taken up again.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite
struct RelayMachineTests {
    private static let owner = NodeEpoch(2)
    private static let other = NodeEpoch(3)

    /// A machine whose lanes 1 and 2 are relayed by `owner` in tail 1.
    private static func open() -> RelayMachine {
        var machine = RelayMachine()
        for lane in [1, 2] as [Int64] {
            _ = machine.handle(.placed(lane: lane, owner: Self.owner), at: .zero)
        }
        _ = machine.handle(.followed(Self.owner, tail: 1, isKnown: true), at: .zero)
        _ = machine.handle(.followed(Self.owner, tail: 1, isKnown: true), at: .zero)
        return machine
    }

    /// The same, and lane 1's relay was quicker than the database.
    private static func trusted() -> RelayMachine {
        var machine = Self.open()
        _ = machine.handle(.reached(lane: 1, through: 5, by: Self.owner), at: .zero)
        return machine
    }

    @Test("a lane of another node is followed there, and pulled once that is known; others are not")
    func begin() {
        var machine = RelayMachine()
        #expect(machine.handle(.placed(lane: 9, owner: nil), at: .zero) == [])
        let first = RelayChange(tail: 1, isFirst: true, lanes: [1], gone: [])
        #expect(
            machine.handle(.placed(lane: 1, owner: Self.owner), at: .zero)
                == [.follow(Self.owner, first)]
        )
        // One call of a kind at a time: the next lane goes with the next change.
        #expect(machine.handle(.placed(lane: 2, owner: Self.owner), at: .zero) == [])
        let second = RelayChange(tail: 1, isFirst: false, lanes: [2], gone: [])
        #expect(
            machine.handle(.followed(Self.owner, tail: 1, isKnown: true), at: .zero)
                == [.follow(Self.owner, second), .pull(Self.owner, tail: 1)]
        )
        #expect(machine.relayedLanes == 1)
        #expect(
            machine.handle(.pulled(Self.owner, tail: 1, isKnown: true, lost: [:]), at: .zero)
                == [.pull(Self.owner, tail: 1)]
        )
        _ = machine.handle(.followed(Self.owner, tail: 1, isKnown: true), at: .zero)
        #expect(machine.relayedLanes == 2)
        #expect(machine.wakeAt == nil)
    }

    @Test("a notice is read at once until the relay was quicker, then it waits for the relay")
    func trust() {
        var machine = Self.open()
        let notice = RelayMachine.Event.noticed(lane: 1, through: 7)
        #expect(machine.handle(notice, at: .zero) == [.read(lane: 1, through: 7)])
        _ = machine.handle(.reached(lane: 1, through: 5, by: nil), at: .zero)
        #expect(machine.handle(notice, at: .zero) == [.read(lane: 1, through: 7)])
        _ = machine.handle(.reached(lane: 1, through: 6, by: Self.other), at: .zero)
        #expect(machine.handle(notice, at: .zero) == [.read(lane: 1, through: 7)])
        _ = machine.handle(.reached(lane: 1, through: 6, by: Self.owner), at: .zero)
        #expect(machine.handle(notice, at: .seconds(1)) == [])
        #expect(machine.wakeAt == .milliseconds(1_250))
        _ = machine.handle(.reached(lane: 1, through: 7, by: Self.owner), at: .seconds(1))
        #expect(machine.handle(.tick, at: .seconds(2)) == [])
        #expect(machine.wakeAt == nil)
        #expect(machine.lateCount == 0)
    }

    @Test("a relay that is late costs its lane one wait; trust comes back when it is quicker again")
    func late() {
        var machine = Self.trusted()
        #expect(machine.handle(.noticed(lane: 1, through: 7), at: .zero) == [])
        #expect(machine.handle(.noticed(lane: 1, through: 9), at: .milliseconds(200)) == [])
        #expect(machine.handle(.tick, at: .milliseconds(249)) == [])
        let read = RelayMachine.Action.read(lane: 1, through: 9)
        #expect(machine.handle(.tick, at: .milliseconds(250)) == [read])
        #expect(machine.lateCount == 1)
        let next = RelayMachine.Event.noticed(lane: 1, through: 10)
        #expect(
            machine.handle(next, at: .milliseconds(251)) == [.read(lane: 1, through: 10)]
        )
        _ = machine.handle(.reached(lane: 1, through: 11, by: Self.owner), at: .seconds(1))
        #expect(machine.handle(.noticed(lane: 1, through: 12), at: .seconds(1)) == [])
    }

    @Test(
        "whatever ends a relay has what waits read at once",
        arguments: [
            RelayMachine.Event.failed(owner, tail: 1, isCapable: true),
            .failed(owner, tail: 1, isCapable: false),
            .pulled(owner, tail: 1, isKnown: false, lost: [:]),
            .placed(lane: 1, owner: other), .placed(lane: 1, owner: nil), .left(lane: 1),
        ]
    )
    func end(event: RelayMachine.Event) {
        var machine = Self.trusted()
        #expect(machine.handle(.noticed(lane: 1, through: 7), at: .zero) == [])
        let actions = machine.handle(event, at: .milliseconds(1))
        #expect(actions.first == .read(lane: 1, through: 7))
        let next = RelayMachine.Event.noticed(lane: 1, through: 8)
        #expect(machine.handle(next, at: .milliseconds(2)) == [.read(lane: 1, through: 8)])
    }

    @Test("a node that failed is asked again later each time, with another tail and all its lanes")
    func again() {
        var machine = Self.open()
        var now = Duration.zero
        var tail: Int64 = 1
        for pause in [250, 500, 1_000] {
            let failure = RelayMachine.Event.failed(Self.owner, tail: tail, isCapable: true)
            #expect(machine.handle(failure, at: now) == [])
            #expect(machine.relayedLanes == 0)
            #expect(machine.wakeAt == now + .milliseconds(pause))
            #expect(machine.handle(.tick, at: now + .milliseconds(pause - 1)) == [])
            now += .milliseconds(pause)
            tail += 1
            let change = RelayChange(tail: tail, isFirst: true, lanes: [1, 2], gone: [])
            #expect(machine.handle(.tick, at: now) == [.follow(Self.owner, change)])
        }
        // The outcome of a call from before does not end the new tail.
        let old = RelayMachine.Event.failed(Self.owner, tail: tail - 1, isCapable: true)
        #expect(machine.handle(old, at: now) == [])
        #expect(
            machine.handle(.followed(Self.owner, tail: tail, isKnown: true), at: now)
                == [.pull(Self.owner, tail: tail)]
        )
    }

    @Test("a node that does not know the methods is not asked again")
    func incapable() {
        var machine = Self.open()
        let failure = RelayMachine.Event.failed(Self.owner, tail: 1, isCapable: false)
        #expect(machine.handle(failure, at: .zero) == [])
        #expect(machine.wakeAt == nil)
        #expect(machine.handle(.tick, at: .seconds(3_600)) == [])
        #expect(machine.handle(.placed(lane: 3, owner: Self.owner), at: .seconds(3_600)) == [])
    }

    @Test("what a node has not kept is read; the relay goes on")
    func lost() {
        var machine = Self.trusted()
        #expect(machine.handle(.noticed(lane: 1, through: 12), at: .zero) == [])
        let lost = RelayMachine.Event.pulled(Self.owner, tail: 1, isKnown: true, lost: [1: 9])
        #expect(
            machine.handle(lost, at: .zero)
                == [.read(lane: 1, through: 12), .pull(Self.owner, tail: 1)]
        )
        #expect(machine.handle(.tick, at: .seconds(9)) == [])
        #expect(machine.lateCount == 0)
    }

    @Test("when the last lane has left, the node is told, asked no more, and begins anew later")
    func leave() {
        var machine = Self.open()
        let one = RelayChange(tail: 1, isFirst: false, lanes: [], gone: [1])
        #expect(machine.handle(.left(lane: 1), at: .zero) == [.follow(Self.owner, one)])
        #expect(machine.handle(.left(lane: 2), at: .zero) == [])
        let two = RelayChange(tail: 1, isFirst: false, lanes: [], gone: [2])
        let told = RelayMachine.Event.followed(Self.owner, tail: 1, isKnown: true)
        #expect(machine.handle(told, at: .zero) == [.follow(Self.owner, two)])
        #expect(machine.handle(told, at: .zero) == [])
        let pulled = RelayMachine.Event.pulled(Self.owner, tail: 1, isKnown: true, lost: [:])
        #expect(machine.handle(pulled, at: .zero) == [])
        let anew = RelayChange(tail: 2, isFirst: true, lanes: [1], gone: [])
        #expect(
            machine.handle(.placed(lane: 1, owner: Self.owner), at: .zero)
                == [.follow(Self.owner, anew)]
        )
    }

    @Test("many lanes are told in several changes")
    func many() throws {
        var machine = Self.open()
        let count = Int64(RelayMachine.changeLanesMax) + 10
        var told = 0
        for lane in 10..<10 + count {
            for action in machine.handle(.placed(lane: lane, owner: Self.owner), at: .zero) {
                guard case .follow(_, let change) = action else { continue }
                told += change.lanes.count
            }
        }
        while machine.relayedLanes < Int(count) + 2 {
            let event = RelayMachine.Event.followed(Self.owner, tail: 1, isKnown: true)
            let actions = machine.handle(event, at: .zero)
            guard case .follow(_, let change)? = actions.first else { break }
            #expect(change.lanes.count <= RelayMachine.changeLanesMax)
            told += change.lanes.count
        }
        #expect(told == Int(count))
    }

    @Test("in random histories nothing is missed, and no notice waits longer than it may")
    func histories() {
        for seed in 1...200 as ClosedRange<UInt64> {
            var world = RelayWorld(seed: seed)
            for _ in 0..<200 {
                world.step()
                if let breach = world.breach {
                    Issue.record("seed \(seed): \(breach)")
                    return
                }
            }
            world.settle()
            if let breach = world.breach {
                Issue.record("seed \(seed), at the end: \(breach)")
                return
            }
        }
    }
}
