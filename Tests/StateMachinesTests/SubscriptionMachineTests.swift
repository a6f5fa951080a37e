// Decides that a subscriber sees every event once and in lane order, whatever is evicted, cut off or late.

import StateMachines
import TestKit
import Testing

private let epoch = "00000001"

/// One event of one lane.
private struct Mark: Hashable {
    var lane: Int64
    var sequence: Int64
}

/// Logs, a ring over them, and a subscriber that is cut off at random.
private struct StreamWorld {
    var random: SeededGenerator
    let lanes: Int
    var stored: [Int64: Int64] = [:]
    var floors: [Int64: Int64] = [:]
    var unpublished: [Mark] = []
    var ring: [Mark] = []
    var ringFloor: Int64 = 0
    var base = LanePositions()
    var heads = LanePositions()

    init(seed: UInt64) {
        self.random = SeededGenerator(seed: seed)
        self.lanes = Int.random(in: 1...4, using: &self.random)
    }

    var view: SubscriptionMachine.Ring {
        SubscriptionMachine.Ring(
            floor: self.ringFloor,
            head: self.ringFloor + Int64(self.ring.count),
            base: self.base,
            heads: self.heads,
            onlyLane: self.lanes == 1 ? 1 : nil
        )
    }

    var bounds: SubscriptionMachine.Bounds {
        SubscriptionMachine.Bounds(
            floors: LanePositions(self.floors),
            heads: LanePositions(self.stored)
        )
    }

    mutating func commit(_ count: Int) {
        for _ in 0..<count {
            let lane = Int64.random(in: 1...Int64(self.lanes), using: &self.random)
            self.stored[lane, default: 0] += 1
            self.unpublished.append(Mark(lane: lane, sequence: self.stored[lane] ?? 0))
        }
    }

    mutating func publish(_ count: Int) {
        for mark in self.unpublished.prefix(count) {
            self.ring.append(mark)
            self.heads[mark.lane] = mark.sequence
        }
        self.unpublished.removeFirst(min(count, self.unpublished.count))
    }

    func positions(at index: Int64) -> LanePositions {
        var positions = self.base
        for (offset, mark) in self.ring.enumerated() where self.ringFloor + Int64(offset) < index {
            positions[mark.lane] = mark.sequence
        }
        if self.lanes == 1 { positions[1] = self.base[1] + index - self.ringFloor }
        return positions
    }

    /// Drops old entries; a subscriber that has not had them is told where it stood.
    mutating func evict(_ count: Int, _ reader: inout Reader) {
        let floor = self.ringFloor + Int64(min(count, self.ring.count))
        if let index = reader.machine.index, index < floor {
            _ = reader.machine.handle(.evicted(self.positions(at: index)))
        }
        while self.ringFloor < floor {
            let mark = self.ring.removeFirst()
            self.base[mark.lane] = mark.sequence
            self.ringFloor += 1
        }
    }

    /// What a reader's cursor is at this moment.
    func place(_ machine: SubscriptionMachine) -> LanePositions {
        guard let index = machine.index else { return machine.known }
        return self.positions(at: index).later(machine.known)
    }
}

/// A subscriber, and what it has seen.
private struct Reader {
    var machine: SubscriptionMachine
    var seen: [Mark] = []
    var leftOut: Set<Mark> = []
    var resets = 0
    var byes = 0
    var passed = 0

    /// Does what the machine asks for, at most `steps` times and not always to the end.
    mutating func work(_ world: inout StreamWorld, steps: Int) {
        for _ in 0..<steps {
            switch self.machine.handle(.ready(world.view)) {
            case .wait, .finish: return
            case .hello, .snapshotEnd, .end: break
            case .bye: self.byes += 1
            case .reset: self.resets += 1
            case .snapshot:
                if world.random.chance(60) { _ = self.machine.handle(.snapshotDone) }
            case .read(let lane, let after):
                if after < world.floors[lane] ?? 0 {
                    _ = self.machine.handle(.missing(world.bounds))
                    continue
                }
                let last = min(
                    world.stored[lane] ?? 0,
                    after + Int64.random(in: 0...5, using: &world.random)
                )
                for sequence in (after..<max(after, last)).map({ $0 + 1 }) {
                    self.seen.append(Mark(lane: lane, sequence: sequence))
                    _ = self.machine.handle(.read(lane: lane, through: sequence))
                }
            case .deliver(let from, let to):
                self.deliver(world, from, Int64.random(in: from...to, using: &world.random))
            case .conflate(let from, let to): self.conflate(world, from, to)
            case .skip(let from, let to):
                for index in from..<to {
                    self.leftOut.insert(world.ring[Int(index - world.ringFloor)])
                }
            case .gap(let from, let to): self.gap(from, to)
            }
        }
    }

    private mutating func deliver(_ world: StreamWorld, _ from: Int64, _ to: Int64) {
        for index in from..<to {
            let mark = world.ring[Int(index - world.ringFloor)]
            if mark.sequence > self.machine.skipping?[mark.lane] ?? 0 { self.seen.append(mark) }
        }
        _ = self.machine.handle(.delivered(index: to))
        // Some readers notice by themselves that they have passed what they had.
        if let had = self.machine.skipping, to % 2 == 0,
            world.positions(at: to).firstLane(before: had) == nil
        {
            _ = self.machine.handle(.passed)
            self.passed += 1
        }
    }

    private mutating func conflate(_ world: StreamWorld, _ from: Int64, _ to: Int64) {
        for index in from..<to {
            let mark = world.ring[Int(index - world.ringFloor)]
            if index % 3 == 0 { self.seen.append(mark) } else { self.leftOut.insert(mark) }
        }
    }

    private mutating func gap(_ from: LanePositions, _ to: LanePositions) {
        for position in to.all where position.sequence > from[position.lane] {
            for sequence in (from[position.lane] + 1)...position.sequence {
                self.leftOut.insert(Mark(lane: position.lane, sequence: sequence))
            }
        }
    }
}

@Suite
struct SubscriptionMachineTests {
    /// Runs a random history to its end; returns the reader and the events there were.
    private func history(
        _ seed: UInt64,
        mode: SubscriptionMachine.Mode,
        isCut: Bool
    ) -> (reader: Reader, world: StreamWorld) {
        var world = StreamWorld(seed: seed)
        world.commit(Int.random(in: 0...30, using: &world.random))
        // What was there before the ring.
        world.base = LanePositions(world.stored)
        world.heads = world.base
        world.unpublished = []
        var reader = Reader(
            machine: SubscriptionMachine(
                start: .beginning,
                epoch: epoch,
                bounds: world.bounds,
                mode: mode
            )
        )
        for turn in 0..<300 {
            world.commit(Int.random(in: 0...4, using: &world.random))
            world.publish(Int.random(in: 0...6, using: &world.random))
            if world.random.chance(20) {
                world.evict(Int.random(in: 0...20, using: &world.random), &reader)
            }
            if turn % 50 < 35 {
                reader.work(&world, steps: Int.random(in: 0...4, using: &world.random))
            }
            guard isCut, world.random.chance(10) else { continue }
            if world.random.chance(30) { _ = reader.machine.handle(.drain) }
            let cursor = StreamCursor(epoch: epoch, positions: world.place(reader.machine))
            reader.machine = SubscriptionMachine(
                start: .cursor(StreamCursor(cursor.text) ?? cursor),
                epoch: epoch,
                bounds: world.bounds,
                mode: mode
            )
        }
        world.publish(.max)
        for _ in 0..<400 { reader.work(&world, steps: 10) }
        return (reader, world)
    }

    private func expectLaneOrder(_ seen: [Mark], _ seed: UInt64) {
        var last: [Int64: Int64] = [:]
        for mark in seen {
            #expect(mark.sequence > last[mark.lane] ?? 0, "seed \(seed): \(mark)")
            last[mark.lane] = mark.sequence
        }
    }

    @Test("cut off, evicted and resumed at random, a parked reader sees each event exactly once")
    func exactlyOnce() {
        var passed = 0
        for seed in UInt64(0)..<400 {
            let (reader, world) = self.history(seed, mode: .park, isCut: true)
            self.expectLaneOrder(reader.seen, seed)
            let total = world.stored.values.reduce(0, +)
            #expect(Int64(reader.seen.count) == total, "seed \(seed)")
            #expect(reader.resets == 0 && reader.leftOut.isEmpty, "seed \(seed)")
            passed += reader.passed
        }
        #expect(passed > 0)
    }

    @Test(
        "a slow reader that does not park is told of everything it does not get",
        arguments: [SubscriptionMachine.Mode.conflate, .drop]
    )
    func gaps(mode: SubscriptionMachine.Mode) {
        var leftOut = 0
        for seed in UInt64(0)..<400 {
            let (reader, world) = self.history(seed, mode: mode, isCut: false)
            self.expectLaneOrder(reader.seen, seed)
            let total = world.stored.values.reduce(0, +)
            #expect(Int64(Set(reader.seen).union(reader.leftOut).count) == total, "seed \(seed)")
            #expect(reader.leftOut.isDisjoint(with: reader.seen), "seed \(seed)")
            leftOut += reader.leftOut.count
        }
        #expect(leftOut > 0)
    }

    @Test("a reader that may not be slow is sent away when it is, and loses nothing by it")
    func closed() {
        var byes = 0
        for seed in UInt64(0)..<200 {
            let (reader, world) = self.history(seed, mode: .close, isCut: false)
            self.expectLaneOrder(reader.seen, seed)
            byes += reader.byes
            let total = world.stored.values.reduce(0, +)
            #expect(reader.byes == 1 || Int64(reader.seen.count) == total, "seed \(seed)")
        }
        #expect(byes > 0)
    }

    private func machine(
        _ start: SubscriptionMachine.Start,
        floors: LanePositions = LanePositions(),
        heads: LanePositions = LanePositions([1: 9])
    ) -> SubscriptionMachine {
        SubscriptionMachine(
            start: start,
            epoch: epoch,
            bounds: SubscriptionMachine.Bounds(floors: floors, heads: heads)
        )
    }

    private func ring(_ floor: Int64, _ head: Int64) -> SubscriptionMachine.Ring {
        SubscriptionMachine.Ring(
            floor: 0,
            head: head - floor,
            base: LanePositions([1: floor]),
            heads: LanePositions([1: head]),
            onlyLane: 1
        )
    }

    @Test("what cannot be resumed is reset: told why, given the state, then what is new")
    func reset() {
        let other = StreamCursor(epoch: "00000002", positions: LanePositions([1: 3]))
        let ahead = StreamCursor(epoch: epoch, positions: LanePositions([1: 10]))
        let expired = StreamCursor(epoch: epoch, positions: LanePositions([1: 3]))
        let cases: [(StreamCursor, SubscriptionMachine.ResetReason)] = [
            (other, .epoch), (ahead, .ahead), (expired, .expired),
        ]
        for (cursor, reason) in cases {
            var machine = self.machine(.cursor(cursor), floors: LanePositions([1: 4]))
            #expect(machine.handle(.ready(self.ring(9, 9))) == .hello(isRecovered: false))
            #expect(machine.handle(.ready(self.ring(9, 9))) == .reset(reason))
            #expect(machine.handle(.ready(self.ring(9, 10))) == .snapshot)
            #expect(machine.handle(.snapshotDone) == .snapshotEnd)
            #expect(machine.handle(.ready(self.ring(9, 10))) == .deliver(from: 0, to: 1))
        }
        var fine = self.machine(
            .cursor(StreamCursor(epoch: epoch, positions: LanePositions([1: 4]))),
            floors: LanePositions([1: 4])
        )
        #expect(fine.handle(.ready(self.ring(9, 9))) == .hello(isRecovered: true))
        #expect(fine.handle(.ready(self.ring(9, 9))) == .read(lane: 1, after: 4))
    }

    @Test("events that vanish while a reader catches up reset it")
    func missing() {
        var machine = self.machine(.beginning)
        _ = machine.handle(.ready(self.ring(9, 9)))
        #expect(machine.handle(.ready(self.ring(9, 9))) == .read(lane: 1, after: 0))
        let bounds = SubscriptionMachine.Bounds(
            floors: LanePositions([1: 5]),
            heads: LanePositions([1: 9])
        )
        _ = machine.handle(.missing(bounds))
        #expect(machine.handle(.ready(self.ring(9, 9))) == .reset(.expired))
    }

    @Test(
        "a drained reader is told where to go on; one whose run ended is told that, and only once"
    )
    func ending() {
        var drained = self.machine(.now)
        _ = drained.handle(.ready(self.ring(9, 9)))
        #expect(drained.handle(.ready(self.ring(9, 9))) == .wait)
        #expect(drained.index == 0)
        _ = drained.handle(.drain)
        #expect(drained.handle(.ready(self.ring(9, 12))) == .bye(index: 0))
        #expect(drained.handle(.ready(self.ring(9, 12))) == .finish)
        var ended = self.machine(.now)
        _ = ended.handle(.ready(self.ring(9, 9)))
        _ = ended.handle(.runEnded(status: "failed"))
        _ = ended.handle(.drain)
        #expect(ended.handle(.ready(self.ring(9, 9))) == .end(status: "failed"))
        _ = ended.handle(.runEnded(status: "failed"))
        #expect(ended.handle(.ready(self.ring(9, 9))) == .finish)
    }
}
