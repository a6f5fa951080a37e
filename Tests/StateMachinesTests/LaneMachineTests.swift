// Decides when a lane asks for runs and for how many.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite
struct LaneMachineTests {
    @Test("a lane asks for as many runs as it has room, and never twice at once")
    func room() {
        var lane = LaneMachine(width: 2)
        #expect(lane.handle(.wake) == 2)
        #expect(lane.handle(.wake) == nil)
        #expect(lane.handle(.claimed([RunID(1)])) == 1)
        #expect(lane.handle(.claimed([])) == nil)
        #expect(lane.handle(.ended(RunID(1))) == nil)
        #expect(lane.handle(.wake) == 2)
    }

    @Test("what ends with the same commit is followed by one question for all of it")
    func together() {
        var lane = LaneMachine(width: 3)
        #expect(lane.handle(.wake) == 3)
        #expect(lane.handle(.claimed([RunID(1), RunID(2), RunID(3)])) == nil)
        #expect(lane.handle(.ended(RunID(1))) == nil)
        #expect(lane.handle(.ended(RunID(2))) == nil)
        #expect(!lane.isIdle)
        #expect(lane.handle(.wake) == 2)
    }

    @Test("a full answer is followed by another question as soon as there is room")
    func fullAnswer() {
        var lane = LaneMachine(width: 1)
        #expect(lane.handle(.wake) == 1)
        #expect(lane.handle(.claimed([RunID(1)])) == nil)
        #expect(lane.handle(.ended(RunID(1))) == nil)
        #expect(lane.handle(.wake) == 1)
        #expect(lane.handle(.claimed([])) == nil)
        #expect(lane.isIdle)
    }

    @Test("a failed claim is asked again at the next wake")
    func failure() {
        var lane = LaneMachine(width: 1)
        #expect(lane.handle(.wake) == 1)
        #expect(lane.handle(.claimFailed) == nil)
        #expect(lane.handle(.wake) == 1)
    }

    @Test("a lane that does not know what is under way asks for nothing until it does")
    func doubt() {
        var lane = LaneMachine(width: 2)
        _ = lane.handle(.wake)
        #expect(lane.handle(.claimFailed) == nil)
        #expect(lane.handle(.doubt) == nil)
        #expect(lane.handle(.wake) == nil)
        #expect(lane.handle(.adopted(RunID(1))) == nil)
        #expect(lane.handle(.settled) == 1)
        // An answer on its way when the doubt came is taken; nothing more is asked for.
        #expect(lane.handle(.doubt) == nil)
        #expect(lane.handle(.claimed([RunID(2)])) == nil)
        #expect(lane.handle(.ended(RunID(2))) == nil)
        #expect(lane.handle(.settled) == 1)
    }

    @Test("a wider lane asks for more, a narrower one waits")
    func width() {
        var lane = LaneMachine(width: 1)
        _ = lane.handle(.wake)
        _ = lane.handle(.claimed([RunID(1)]))
        #expect(lane.handle(.widthChanged(3)) == 2)
        #expect(lane.handle(.claimed([RunID(2), RunID(3)])) == nil)
        #expect(lane.handle(.widthChanged(0)) == nil)
        #expect(lane.width == 1)
        #expect(lane.handle(.ended(RunID(1))) == nil)
        #expect(lane.handle(.ended(RunID(2))) == nil)
        #expect(lane.handle(.ended(RunID(3))) == nil)
        #expect(lane.handle(.wake) == 1)
    }

    @Test("a draining lane takes nothing more and is idle after its last run")
    func drain() {
        var lane = LaneMachine(width: 2)
        _ = lane.handle(.adopted(RunID(7)))
        #expect(lane.handle(.drain) == nil)
        #expect(lane.handle(.wake) == nil)
        #expect(!lane.isIdle)
        #expect(lane.handle(.ended(RunID(7))) == nil)
        #expect(lane.isIdle)
    }

    @Test("in any order of events a lane is never over-full, and no run waits for ever")
    func histories() {
        for seed in UInt64(1)...500 {
            var generator = SeededGenerator(seed: seed)
            let width = Int.random(in: 1...4, using: &generator)
            var lane = LaneMachine(width: width)
            var queued = Int64(Int.random(in: 0...20, using: &generator))
            var number: Int64 = 0
            var asked: Int?
            func take(_ room: Int?) {
                guard let room else { return }
                #expect(asked == nil, "asked twice at once, seed \(seed)")
                asked = room
            }
            take(lane.handle(.wake))
            for _ in 0..<200 {
                if let room = asked, generator.chance(50) {
                    asked = nil
                    if generator.chance(10) {
                        take(lane.handle(.claimFailed))
                        take(lane.handle(.wake))
                        continue
                    }
                    let count = min(Int64(room), queued)
                    queued -= count
                    let runs = (0..<count).map { RunID(number + 1 + $0) }
                    number += count
                    take(lane.handle(.claimed(runs)))
                } else if let run = lane.active.sorted().first, generator.chance(60) {
                    take(lane.handle(.ended(run)))
                    if generator.chance(70) { take(lane.handle(.wake)) }
                } else if generator.chance(10) {
                    queued += 1
                    take(lane.handle(.wake))
                }
                #expect(lane.active.count <= width, "seed \(seed)")
            }
            take(lane.handle(.wake))
            while asked != nil || !lane.active.isEmpty {
                if let room = asked {
                    asked = nil
                    let count = min(Int64(room), queued)
                    queued -= count
                    let runs = (0..<count).map { RunID(number + 1 + $0) }
                    number += count
                    take(lane.handle(.claimed(runs)))
                } else if let run = lane.active.first {
                    take(lane.handle(.ended(run)))
                    take(lane.handle(.wake))
                }
            }
            #expect(queued == 0 && lane.isIdle, "seed \(seed)")
        }
    }

    @Test("a lane that rests takes nothing, whatever ends, and begins again by itself")
    func rest() {
        var lane = LaneMachine(width: 2)
        #expect(lane.handle(.wake) == 2)
        #expect(lane.handle(.claimed([RunID(1), RunID(2)])) == nil)
        #expect(lane.handle(.rest) == nil)
        #expect(lane.handle(.ended(RunID(1))) == nil)
        #expect(lane.handle(.wake) == nil)
        #expect(lane.active == [RunID(2)])
        #expect(lane.handle(.rested) == 1)
    }
}
