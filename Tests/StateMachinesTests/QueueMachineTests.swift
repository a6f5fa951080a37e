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
                let after = Array(machine.next(at: .zero).key.text.utf8)
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

    /// A run in a queue that goes by rank.
    fileprivate struct Queued: Hashable {
        var rank: Int64
        var run: Int64
        var since: Duration
    }

    /// A queue that goes by rank, and a lane that takes from it; somebody looks when he is asked to.
    private struct RankedLane {
        var random: SeededGenerator
        var queue: [Queued] = []
        var machine = QueueMachine()
        var now = Duration.zero
        var number: Int64 = 0
        /// What reading the front costs, from nothing to far too much.
        var cost = Duration.zero
        /// The longest that a run was passed over.
        var longest = Duration.zero
        /// What all looks cost.
        var looked = Duration.zero
        /// Whether the last claim began at the front.
        var isFrontRead = false

        init(seed: Int) { self.random = SeededGenerator(seed: UInt64(seed)) }

        mutating func enqueue() {
            for _ in 0..<Int.random(in: 0...4, using: &self.random) {
                self.number += 1
                let rank = Int64.random(in: -3...3, using: &self.random)
                self.queue.append(Queued(rank: rank, run: self.number, since: self.now))
            }
        }

        /// - Returns: Whether there may be more.
        mutating func claim() -> Bool {
            let room = Int.random(in: 1...5, using: &self.random)
            let place = self.machine.next(at: self.now)
            self.isFrontRead = place.rank == .min
            self.queue.sort { ($0.rank, $0.run) < ($1.rank, $1.run) }
            let taken = self.queue.filter { ($0.rank, $0.run) > (place.rank, place.run) }
                .prefix(room)
            self.queue.removeAll { taken.contains($0) }
            let hasMore = self.machine.took(
                taken.map { QueueMachine.Place(rank: $0.rank, run: $0.run) },
                isKeyed: false,
                of: room,
                at: self.now
            )
            if let last = taken.last {
                for run in self.queue where (run.rank, run.run) < (last.rank, last.run) {
                    self.longest = max(self.longest, self.now - run.since)
                }
            }
            #expect(!hasMore || taken.count < room)
            return hasMore || taken.count == room
        }

        /// - Returns: Whether there is something to claim.
        mutating func look(isBusy: Bool = true) -> Bool {
            let reached = self.machine.reached
            let found = self.queue.filter { ($0.rank, $0.run) <= (reached.rank, reached.run) }
                .min { ($0.rank, $0.run) < ($1.rank, $1.run) }
            return self.machine.looked(
                found.map { QueueMachine.Place(rank: $0.rank, run: $0.run) },
                cost: self.cost,
                isBusy: isBusy,
                at: self.now
            )
        }

        /// Lets time go by; whoever is to look does so when it is time.
        mutating func wait(atMost milliseconds: Int) {
            let time = Int.random(in: 0...milliseconds, using: &self.random)
            let end = self.now + .milliseconds(time)
            while let at = self.machine.lookAt, at <= end {
                self.now = max(self.now, at)
                self.looked += self.cost
                _ = self.look()
            }
            self.now = end
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
                _ = lane.claim()
            }
            let interval = max(QueueMachine.frontInterval, cost * QueueMachine.lookShare)
            #expect(lane.longest <= interval, "seed \(seed): \(lane.longest)")
            // As a lane does: it asks again for as long as there may be more, and when a look finds some.
            var isThereMore = true
            while isThereMore {
                while lane.claim() {}
                lane.now = max(lane.now, lane.machine.lookAt ?? lane.now)
                isThereMore = lane.machine.lookAt != nil && lane.look(isBusy: false)
            }
            #expect(lane.queue.isEmpty, "seed \(seed): \(lane.queue.count) are left")
        }
    }

    @Test("no claim begins at a front that is dear to read, and looks are as rare as they are dear")
    func dear() {
        for seed in 0..<200 {
            var lane = RankedLane(seed: seed)
            lane.cost = .milliseconds(Int.random(in: 1...500, using: &lane.random))
            lane.enqueue()
            while lane.number == 0 || lane.claim() { lane.enqueue() }
            lane.now = lane.machine.lookAt ?? .zero
            _ = lane.look()
            _ = lane.claim()
            let begin = lane.now
            while lane.now < begin + .seconds(100) {
                lane.enqueue()
                lane.wait(atMost: 100)
                _ = lane.claim()
                #expect(!lane.isFrontRead, "seed \(seed)")
            }
            let most = (lane.now - begin) / QueueMachine.lookShare + lane.cost
            #expect(lane.looked <= most, "seed \(seed): \(lane.looked) of \(lane.now - begin)")
        }
    }
}
