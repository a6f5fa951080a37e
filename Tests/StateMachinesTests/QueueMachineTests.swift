// Decides that claims one after the other deal a queue as one large one would, and lose nothing of it.

import PulserIR
import StateMachines
import TestKit
import Testing

@Suite
struct QueueMachineTests {
    /// Bytes order keys in the database; texts that look alike, and those that UTF-16 orders otherwise.
    private static let keys = [
        "", "Z", "a", "e\u{301}", "é", "ä", "z", "日本", "\u{FFFD}", "😀", "a\u{0}",
    ]

    /// A queue whose keys take turns, as the database keeps it: by bytes alone.
    private struct KeyedQueue {
        var runs: [[UInt8]: [Int64]] = [:]

        /// Keys with something ready, around from one.
        func around(_ key: [UInt8]) -> [[UInt8]] {
            let all = self.runs.filter { !$0.value.isEmpty }.keys
                .sorted { $0.lexicographicallyPrecedes($1) }
            return all.filter { key.lexicographicallyPrecedes($0) }
                + all.filter { !key.lexicographicallyPrecedes($0) }
        }

        /// What a lane without limits gets: an equal share of so many keys as there is room for.
        mutating func shares(after key: [UInt8], room: Int) -> [(run: Int64, key: [UInt8])] {
            let keys = self.around(key).prefix(room)
            let share = (room + max(1, keys.count) - 1) / max(1, keys.count)
            return self.deal(Array(keys), rounds: share, room: room)
        }

        /// What a lane with limits gets, whose keys may have so many runs each: all there is room for.
        mutating func rounds(
            after key: [UInt8],
            room: Int,
            width: Int
        ) -> [(run: Int64, key: [UInt8])] {
            self.deal(self.around(key), rounds: width, room: room)
        }

        private mutating func deal(
            _ keys: [[UInt8]],
            rounds: Int,
            room: Int
        ) -> [(run: Int64, key: [UInt8])] {
            var taken: [(run: Int64, key: [UInt8])] = []
            for _ in 0..<min(rounds, room) {
                for key in keys where taken.count < room {
                    guard let run = self.runs[key]?.first else { continue }
                    self.runs[key]?.removeFirst()
                    taken.append((run, key))
                }
            }
            return taken
        }
    }

    @Test("keys take turns one by one, however large the claims are, and whatever their letters")
    func turns() {
        for seed in 0..<500 {
            var random = SeededGenerator(seed: UInt64(seed))
            var queue = KeyedQueue()
            var machine = QueueMachine()
            var oracle: [UInt8] = []
            var number: Int64 = 0
            let isLimited = Bool.random(using: &random)
            let names = Self.keys.shuffled(using: &random).prefix(
                Int.random(in: 1...9, using: &random)
            )
            func enqueue() {
                for _ in 0..<Int.random(in: 0...6, using: &random) {
                    number += 1
                    let name = names.randomElement(using: &random) ?? ""
                    queue.runs[Array(name.utf8), default: []].append(number)
                }
            }
            for _ in 0..<40 {
                enqueue()
                let room = Int.random(in: 1...9, using: &random)
                let after = Array(machine.next(room: room, at: .zero).after.key.text.utf8)
                var expected = queue
                let taken =
                    isLimited
                    ? queue.rounds(after: after, room: room, width: room)
                    : queue.shares(after: after, room: room)
                // One run of the next key, and so on: what the whole is to come to.
                for _ in taken {
                    oracle = expected.around(oracle)[0]
                    expected.runs[oracle]?.removeFirst()
                }
                let isSame =
                    expected.runs.filter { !$0.value.isEmpty }
                    == queue.runs.filter { !$0.value.isEmpty }
                #expect(isSame, "seed \(seed): the claims deal otherwise than one by one")
                let places = taken.map {
                    QueueMachine.Place(
                        rank: $0.run,
                        run: $0.run,
                        key: QueueKey(String(decoding: $0.key, as: UTF8.self))
                    )
                }
                let hasMore = machine.took(
                    places.shuffled(using: &random),
                    isKeyed: true,
                    of: room,
                    at: .zero
                )
                #expect(hasMore == (!taken.isEmpty && taken.count < room), "seed \(seed)")
            }
        }
    }

    @Test(
        "a queue that goes by rank is read on where it was left, and none is passed over for long",
        arguments: [.zero, QueueMachine.frontMax, .microseconds(101), .milliseconds(100)]
    )
    func ranks(cost: Duration) {
        for seed in 0..<500 {
            var lane = RankedLane(seed: seed)
            lane.cost = cost
            for _ in 0..<60 {
                lane.enqueue()
                lane.wait(atMost: Bool.random(using: &lane.random) ? 50 : 1_000)
                _ = lane.claim(flight: 40)
            }
            // A look that began during the claim's flight changes the next one.
            let interval = max(QueueMachine.frontInterval, cost * QueueMachine.lookShare)
            #expect(lane.longest <= interval + .milliseconds(80), "seed \(seed): \(lane.longest)")
            lane.settle()
            #expect(lane.queue.isEmpty, "seed \(seed): \(lane.queue.count) are left")
        }
    }

    @Test("no claim begins at a front that is dear to read, and looks are as rare as they are dear")
    func dear() {
        for seed in 0..<200 {
            var lane = RankedLane(seed: seed)
            lane.cost = .milliseconds(Int.random(in: 1...500, using: &lane.random))
            while !lane.claim(flight: 0) || lane.machine.lookAt == nil { lane.enqueue() }
            lane.now = lane.machine.lookAt ?? .zero
            // The second one is believed.
            for _ in 0..<2 { _ = lane.look() }
            _ = lane.claim(flight: 0)
            let begin = lane.now
            lane.looked = .zero
            while lane.now < begin + .seconds(100) {
                lane.enqueue()
                lane.wait(atMost: 100)
                _ = lane.claim(flight: 40)
                #expect(!lane.isFrontRead, "seed \(seed)")
            }
            let most = (lane.now - begin) / QueueMachine.lookShare + lane.cost
            #expect(lane.looked <= most, "seed \(seed): \(lane.looked) of \(lane.now - begin)")
        }
    }

    @Test("the next claim begins with the first of those that were let go, and then goes on")
    func returned() {
        for cost in [Duration.zero, .seconds(1)] {
            var machine = QueueMachine()
            func place(_ number: Int64) -> QueueMachine.Place {
                QueueMachine.Place(rank: 5, run: number)
            }
            _ = machine.next(room: 4, at: .zero)
            _ = machine.took([1, 2, 3, 4].map(place), isKeyed: false, of: 4, at: .zero)
            _ = machine.looks(at: .zero)
            for _ in 0..<2 {
                _ = machine.looked(nil, count: 0, cost: cost, isBusy: false, at: .zero)
            }
            machine.returns(place(3))
            machine.returns(place(2))
            machine.returns(place(4))
            let next = machine.next(room: 2, at: .zero)
            #expect(next.after == place(1) && next.room == 2)
            _ = machine.took([2, 3].map(place), isKeyed: false, of: 2, at: .zero)
            #expect(machine.next(room: 2, at: .zero).after == place(3))
        }
    }

    @Test("a run that somebody has locked is looked for once a second, and taken when it is free")
    func locked() {
        for seed in 0..<200 {
            var lane = RankedLane(seed: seed)
            lane.cost = .milliseconds(Int.random(in: 1...5, using: &lane.random))
            for _ in 0..<20 {
                lane.enqueue()
                lane.wait(atMost: 500)
                _ = lane.claim(flight: 20)
            }
            lane.settle()
            // Better than all that were taken, and out of reach.
            lane.queue = [RankedLane.Queued(rank: -9, run: 0, since: lane.now)]
            lane.isLocked = true
            let begin = lane.now
            lane.looks = 0
            while lane.now < begin + .seconds(60) {
                // The poll wakes it.
                _ = lane.claim(flight: 0)
                lane.wait(atMost: 1_000, isBusy: false)
            }
            #expect(lane.looks <= 150, "seed \(seed): \(lane.looks)")
            lane.isLocked = false
            lane.settle()
            #expect(lane.queue.isEmpty, "seed \(seed)")
        }
    }
}

/// A queue that goes by rank, and a lane that takes from it; somebody looks when he is asked to.
private struct RankedLane {
    /// A run.
    struct Queued: Hashable {
        var rank: Int64
        var run: Int64
        var since: Duration
    }

    var random: SeededGenerator
    var queue: [Queued] = []
    var machine = QueueMachine()
    var now = Duration.zero
    /// What reading the front costs, from nothing to far too much.
    var cost = Duration.zero
    /// Whether claims get nothing.
    var isLocked = false
    /// The longest that a run was passed over.
    var longest = Duration.zero
    /// What all looks cost, and how many there were.
    var looked = Duration.zero
    var looks = 0
    /// Whether the last claim began at the front.
    var isFrontRead = false
    private var number: Int64 = 0

    init(seed: Int) { self.random = SeededGenerator(seed: UInt64(seed)) }

    mutating func enqueue() {
        for _ in 0..<Int.random(in: 0...4, using: &self.random) {
            self.number += 1
            let rank = Int64.random(in: -3...3, using: &self.random)
            self.queue.append(Queued(rank: rank, run: self.number, since: self.now))
        }
    }

    /// A claim; before and after the database does it others look.
    ///
    /// - Returns: Whether the lane would claim again.
    mutating func claim(flight milliseconds: Int) -> Bool {
        let room = Int.random(in: 1...5, using: &self.random)
        let (place, most) = self.machine.next(room: room, at: self.now)
        self.isFrontRead = place.rank == .min
        self.wait(atMost: milliseconds)
        self.queue.sort { ($0.rank, $0.run) < ($1.rank, $1.run) }
        let behind = self.queue.filter { ($0.rank, $0.run) > (place.rank, place.run) }
        let taken = self.isLocked ? [] : behind.prefix(most)
        self.queue.removeAll { taken.contains($0) }
        if let last = taken.last {
            for run in self.queue where (run.rank, run.run) < (last.rank, last.run) {
                self.longest = max(self.longest, self.now - run.since)
            }
        }
        self.wait(atMost: milliseconds)
        let hasMore = self.machine.took(
            taken.map { QueueMachine.Place(rank: $0.rank, run: $0.run) },
            isKeyed: false,
            of: room,
            at: self.now
        )
        #expect(!hasMore || taken.count < room)
        return hasMore || taken.count == room
    }

    /// - Returns: Whether there is something to claim.
    mutating func look(isBusy: Bool = true) -> Bool {
        self.looks += 1
        self.looked += self.cost
        let reached = self.machine.looks(at: self.now)
        let found = self.queue.filter { ($0.rank, $0.run) <= (reached.rank, reached.run) }
            .sorted { ($0.rank, $0.run) < ($1.rank, $1.run) }
        let places = found.map { QueueMachine.Place(rank: $0.rank, run: $0.run) }
        return self.machine.looked(
            places.first.flatMap { first in places.last.map { (first, $0) } },
            count: found.count,
            cost: self.cost,
            isBusy: isBusy,
            at: self.now
        )
    }

    /// Lets time go by; whoever is to look does so when it is time.
    mutating func wait(atMost milliseconds: Int, isBusy: Bool = true) {
        let time = Int.random(in: 0...milliseconds, using: &self.random)
        let end = self.now + .milliseconds(time)
        while let at = self.machine.lookAt, at <= end {
            self.now = max(self.now, at)
            _ = self.look(isBusy: isBusy)
        }
        self.now = end
    }

    /// As a lane does: it asks again for as long as there may be more, and when a look finds some.
    mutating func settle() {
        var isThereMore = true
        while isThereMore {
            while self.claim(flight: 0) {}
            self.now = max(self.now, self.machine.lookAt ?? self.now)
            isThereMore = self.machine.lookAt != nil && self.look(isBusy: false)
        }
    }
}
