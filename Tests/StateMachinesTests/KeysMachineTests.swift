// Decides that a lane's count of its keys is what is under way, in thousands of histories.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite
struct KeysMachineTests {
    /// A lane whose keys may have so many runs at once, and a queue that keeps to the counts it is told.
    private struct World {
        var lane: LaneMachine
        var keys = KeysMachine()
        var queued: [(run: RunID, key: String)] = []
        var live: [RunID: String] = [:]
        let keyWidth: Int
        var next: Int64 = 0

        mutating func enqueue(_ key: String) {
            self.next += 1
            self.queued.append((RunID(self.next), key))
        }

        /// What the database gives: as many of each key as the lane's counts leave free.
        mutating func claim(_ room: Int) -> [RunID] {
            var busy = self.keys.busy(of: self.lane.active)
            var taken: [RunID] = []
            self.queued.removeAll { run, key in
                guard taken.count < room,
                    key.isEmpty || busy[QueueKey(key), default: 0] < self.keyWidth
                else { return false }
                busy[QueueKey(key), default: 0] += 1
                taken.append(run)
                self.live[run] = key
                return true
            }
            return taken
        }

        mutating func begin(_ runs: [RunID]) {
            for run in runs { self.keys.note(run, key: QueueKey(self.live[run] ?? "")) }
        }

        var worst: Int {
            let counts = self.live.values.filter { !$0.isEmpty }
                .reduce(into: [:]) { $0[$1, default: 0] += 1 }
            return counts.values.max() ?? 0
        }
    }

    @Test("no key has more under way than it may, and nothing of it stays behind")
    func histories() {
        for seed in 0..<2_000 {
            var random = SeededGenerator(seed: UInt64(seed))
            let keyWidth = Int.random(in: 1...3, using: &random)
            let width = Int.random(in: 1...8, using: &random)
            var world = World(lane: LaneMachine(width: width), keyWidth: keyWidth)
            func answer(_ room: Int?) {
                guard let room else { return }
                let isLost = Int.random(in: 0..<12, using: &random) == 0
                let taken = world.claim(room)
                #expect(world.worst <= keyWidth, "seed \(seed)")
                if isLost {
                    // Nobody knows whether it was committed: it was, and is found before the next claim.
                    _ = world.lane.handle(.claimFailed)
                    #expect(world.lane.handle(.doubt) == nil)
                    #expect(world.lane.handle(.wake) == nil)
                    for run in taken { _ = world.lane.handle(.adopted(run)) }
                    world.begin(taken)
                    return answer(world.lane.handle(.settled))
                }
                world.begin(taken)
                answer(world.lane.handle(.claimed(taken)))
            }
            for _ in 0..<60 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1:
                    world.enqueue(["", "a", "b", "c"].randomElement(using: &random) ?? "")
                    answer(world.lane.handle(.wake))
                case 2:
                    let ids = world.live.keys.sorted()
                    guard let run = ids.randomElement(using: &random) else { continue }
                    world.live[run] = nil
                    answer(world.lane.handle(.ended(run)))
                    answer(world.lane.handle(.wake))
                default:
                    // A new owner knows only what the database has.
                    world.lane = LaneMachine(width: width)
                    world.keys = KeysMachine()
                    for run in world.live.keys { _ = world.lane.handle(.adopted(run)) }
                    world.begin(Array(world.live.keys))
                    answer(world.lane.handle(.wake))
                }
            }
            while let run = world.live.keys.min() {
                world.live[run] = nil
                answer(world.lane.handle(.ended(run)))
                answer(world.lane.handle(.wake))
            }
            #expect(world.queued.isEmpty, "seed \(seed): \(world.queued.count) were never taken")
            #expect(world.keys.busy(of: world.lane.active).isEmpty, "seed \(seed)")
        }
    }

    @Test("a lane that a rate shuts asks for nothing until it is open")
    func shut() {
        var lane = LaneMachine(width: 2)
        #expect(lane.handle(.wake) == 2)
        #expect(lane.handle(.claimed([RunID(1)])) == nil)
        #expect(lane.handle(.shut) == nil)
        #expect(lane.handle(.wake) == nil)
        #expect(lane.handle(.ended(RunID(1))) == nil)
        #expect(lane.handle(.opened) == 2)
    }
}
