// Decides that what a lane reads is taken once, however often and late it is read.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite
struct ReadMachineTests {
    private static func entry(
        _ run: Int64,
        claim: Int64 = 1,
        isClaimed: Bool = false
    ) -> ReadMachine.Entry {
        ReadMachine.Entry(
            run: RunID(run),
            claim: claim,
            place: QueueMachine.Place(rank: run, run: run),
            isClaimed: isClaimed
        )
    }

    @Test("what is read again is not new, and what is new is found behind it")
    func again() {
        var machine = ReadMachine()
        machine.asks()
        #expect(machine.found([1, 2].map { Self.entry($0) }, room: 8).new == [0, 1])
        machine.asks()
        let found = machine.found([1, 2, 3, 4, 5].map { Self.entry($0) }, room: 2)
        #expect(found.new == [2, 3] && found.seen == 4)
        #expect(machine.count == 4)
    }

    @Test("an answer that was under way while a run ended does not bring it back")
    func stale() {
        var machine = ReadMachine()
        machine.asks()
        _ = machine.found([Self.entry(1)], room: 1)
        machine.asks()
        let places = [machine.left(RunID(1)).place, machine.left(RunID(1)).place]
        #expect(places == [QueueMachine.Place(rank: 1, run: 1), nil])
        #expect(machine.found([Self.entry(1)], room: 1).new.isEmpty)
        #expect(machine.count == 0)
    }

    @Test("a run that was let go is taken again, with the answer to a later question")
    func letGo() {
        var machine = ReadMachine()
        machine.asks()
        _ = machine.found([Self.entry(1)], room: 1)
        _ = machine.left(RunID(1))
        machine.asks()
        #expect(machine.found([Self.entry(1)], room: 1).new == [0])
    }

    @Test("a later claim on a run is a new one")
    func claims() {
        var machine = ReadMachine()
        machine.asks()
        _ = machine.found([Self.entry(1)], room: 1)
        machine.asks()
        #expect(machine.found([Self.entry(1, claim: 2)], room: 1).new == [0])
    }

    @Test("who waits until all that was read is claimed hears it once, from the last one")
    func awaited() {
        var machine = ReadMachine()
        var heard = [machine.awaits()]
        machine.asks()
        _ = machine.found([1, 2].map { Self.entry($0) }, room: 2)
        heard.append(machine.awaits())
        machine.asks()
        heard.append(machine.left(RunID(1)).isAwaited)
        heard.append(machine.left(RunID(2)).isAwaited)
        heard.append(machine.awaits())
        #expect(heard == [false, true, false, true, false])
        let again = machine.found([1, 2].map { Self.entry($0) }, room: 2)
        #expect(again.new.isEmpty && machine.count == 0)
    }

    @Test("what is put aside is not read again, until it is claimed, taken back or queued again")
    func aside() {
        var machine = ReadMachine()
        machine.asks()
        _ = machine.found([1, 2, 3].map { Self.entry($0) }, room: 3)
        for run in [1, 2, 3] as [Int64] { _ = machine.putAside(RunID(run)) }
        #expect(machine.count == 0)
        machine.asks()
        let again = machine.found([1, 2, 3].map { Self.entry($0) }, room: 3)
        #expect(again.new.isEmpty)
        let answers = [machine.takesBack(RunID(1)), machine.takesBack(RunID(1))]
        #expect(answers == [true, false])
        machine.asks()
        let claimed = Self.entry(3, isClaimed: true)
        let later = machine.found([Self.entry(2, claim: 2), claimed], room: 3)
        #expect(later.new == [0, 1])
        let isBack = machine.takesBack(RunID(3))
        #expect(!isBack)
    }

    @Test("what was claimed is all taken, whatever the room: it is nobody else's")
    func room() {
        var machine = ReadMachine()
        machine.asks()
        let claimed = [1, 2, 3].map { Self.entry($0, isClaimed: true) }
        #expect(machine.found(claimed, room: 1).new == [0, 1, 2])
        #expect(machine.count == 0)
    }

    @Test("whatever happens in whatever order, no run is worked on twice at once and none is lost")
    func random() {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            var machine = ReadMachine()
            var queue = (1...40).map { Int64($0) }
            var working: Set<Int64> = []
            var ended: Set<Int64> = []
            /// What the database saw when it was asked.
            var answer: [Int64]?
            for _ in 0..<2_000 where ended.count < 40 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where answer == nil:
                    machine.asks()
                    answer = Array(queue.prefix(5 + machine.count))
                case 1:
                    guard let runs = answer else { continue }
                    answer = nil
                    let found = machine.found(runs.map { Self.entry($0) }, room: 5)
                    for index in found.new {
                        #expect(!ended.contains(runs[index]), "\(seed)")
                        let isNew = working.insert(runs[index]).inserted
                        #expect(isNew, "\(seed)")
                    }
                case 2:
                    guard let run = working.randomElement(using: &random) else { continue }
                    working.remove(run)
                    ended.insert(run)
                    queue.removeAll { $0 == run }
                    _ = machine.left(RunID(run))
                default:
                    guard let run = working.randomElement(using: &random) else { continue }
                    working.remove(run)
                    let place = machine.left(RunID(run)).place
                    #expect(place?.run == run)
                }
            }
            #expect(ended.count == 40, "\(seed)")
        }
    }
}
