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
    private struct Queued: Hashable {
        var rank: Int64
        var run: Int64
        var since: Duration
    }

    @Test(
        "a queue that goes by rank is read on where it was left, and none is passed over for long"
    )
    func ranks() {
        for seed in 0..<500 {
            var random = SeededGenerator(seed: UInt64(seed))
            var queue: [Queued] = []
            var machine = QueueMachine()
            var now = Duration.zero
            var number: Int64 = 0
            func claim() -> Bool {
                let room = Int.random(in: 1...5, using: &random)
                let place = machine.next(at: now)
                queue.sort { ($0.rank, $0.run) < ($1.rank, $1.run) }
                let taken = queue.filter { ($0.rank, $0.run) > (place.rank, place.run) }.prefix(
                    room
                )
                queue.removeAll { taken.contains($0) }
                let hasMore = machine.took(
                    taken.map { QueueMachine.Place(rank: $0.rank, run: $0.run) },
                    isKeyed: false,
                    of: room,
                    at: now
                )
                if let last = taken.last {
                    for run in queue where (run.rank, run.run) < (last.rank, last.run) {
                        let waited = now - run.since
                        #expect(
                            waited < QueueMachine.ageMax,
                            "seed \(seed): passed over for \(waited)"
                        )
                    }
                }
                if taken.count == room, let last = taken.last {
                    let next = machine.next(at: now)
                    #expect((next.rank, next.run) == (last.rank, last.run), "seed \(seed)")
                }
                #expect(!hasMore || taken.count < room)
                return hasMore || taken.count == room
            }
            for _ in 0..<60 {
                for _ in 0..<Int.random(in: 0...4, using: &random) {
                    number += 1
                    let rank = Int64.random(in: -3...3, using: &random)
                    queue.append(Queued(rank: rank, run: number, since: now))
                }
                now += .milliseconds(Int.random(in: 0...120, using: &random))
                _ = claim()
            }
            // As a lane does: it asks again for as long as there may be more.
            while claim() {}
            #expect(queue.isEmpty, "seed \(seed): \(queue.count) are left although it asks no more")
        }
    }
}
