// Decides that keys of a lane take the same turns whether the lane has limits or not.

import PulserIR
import StateMachines
import Store
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2)))
struct DealTests {
    private static let keys = ["", "Z", "a", "e\u{301}", "é", "ä", "z", "日本", "\u{FFFD}", "😀"]

    /// One run of a queue: its place in it, and its key's bytes.
    private struct Queued {
        var number: Int
        var priority: Int
        var key: String
        var bytes: [UInt8] { Array(self.key.utf8) }
    }

    /// The whole queue one by one: after each key the next one that has something ready, in the order
    /// of their bytes and around; of a key the best rank.
    private static func oneByOne(_ queue: [Queued]) -> [Int] {
        var left = queue.sorted { ($1.priority, $0.number) < ($0.priority, $1.number) }
        var key: [UInt8] = []
        var order: [Int] = []
        while !left.isEmpty {
            let keys = Set(left.map(\.bytes)).sorted { $0.lexicographicallyPrecedes($1) }
            key = keys.first { key.lexicographicallyPrecedes($0) } ?? keys[0]
            guard let next = left.firstIndex(where: { $0.bytes == key }) else { break }
            order.append(left.remove(at: next).number)
        }
        return order
    }

    /// What was dealt of a queue, by claims of any size one after the other.
    private struct Dealing {
        let bed: StoreBed
        let owner: Owner
        let queue: [Queued]
        let isLimited: Bool
        var random: SeededGenerator

        /// Queues all of it in a lane of its own.
        func fill() async throws -> (lane: Int64, ids: [RunID]) {
            let name = self.isLimited ? "limited" : "plain"
            let lane = try await self.bed.store.ensureLane(session: "default", lane: name)
            if self.isLimited {
                var rules = LaneRules()
                rules.keyWidth = 1_000
                _ = try await self.bed.store.updateLane(lane, rules: rules)
            }
            let runs = self.queue.map {
                NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    priority: $0.priority,
                    key: $0.key
                )
            }
            return (lane, try await self.bed.store.enqueue(runs, plans: [samplePlan]))
        }

        /// Claims all of it; each claim brings what comes next one by one.
        mutating func check(_ expected: [Int]) async throws {
            let (lane, ids) = try await self.fill()
            var machine = QueueMachine()
            var dealt = 0
            while dealt < expected.count {
                let room = Int.random(in: 1...13, using: &self.random)
                var want = try await self.owner.want(lane, room: room)
                want.busy = self.isLimited ? [:] : nil
                let place = machine.next(room: room, at: .zero).after
                want.cursor = ClaimCursor(rank: place.rank, run: place.run, key: place.key.text)
                let taken = try await self.owner.writer.claim([want])
                let numbers = taken.compactMap { ids.firstIndex(of: $0.fence.run) }
                let next = expected[dealt..<min(dealt + taken.count, expected.count)]
                #expect(numbers.sorted() == next.sorted(), "limits \(self.isLimited), room \(room)")
                // A lane with limits gets all that there is room for at once.
                #expect(!self.isLimited || taken.count == min(room, expected.count - dealt))
                try #require(!taken.isEmpty, "\(dealt) of \(expected.count)")
                dealt += taken.count
                let places = taken.map {
                    QueueMachine.Place(
                        rank: $0.rank,
                        run: $0.fence.run.number,
                        key: QueueKey($0.key)
                    )
                }
                let isKeyed = taken[0].hasMore
                _ = machine.took(places, isKeyed: isKeyed, of: room, at: .zero)
            }
        }
    }

    @Test(
        "a lane with limits and one without give the same queue in the same order",
        arguments: 0..<12
    )
    func order(seed: Int) async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                var random = SeededGenerator(seed: UInt64(seed))
                let names = Self.keys.shuffled(using: &random)
                    .prefix(Int.random(in: 2...8, using: &random))
                // One key has much, others little: shares that are of no use to some.
                let queue = (0..<60).map { number in
                    let isFirst = Bool.random(using: &random)
                    return Queued(
                        number: number,
                        priority: Int.random(in: 0...2, using: &random),
                        key: (isFirst ? names.first : names.randomElement(using: &random)) ?? ""
                    )
                }
                for isLimited in [false, true] {
                    var dealing = Dealing(
                        bed: bed,
                        owner: owner,
                        queue: queue,
                        isLimited: isLimited,
                        random: random
                    )
                    try await dealing.check(Self.oneByOne(queue))
                }
            }
        }
    }
}
