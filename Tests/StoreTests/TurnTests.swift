// Decides whose turn is next in a lane: by rank, by key, and when what is for later is due.

import Postgres
import PulserIR
import Store
import TestBed
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2)))
struct TurnTests {
    /// Runs of a lane that one claim after another takes.
    private func drained(_ owner: Owner, _ want: ClaimWant) async throws -> [[ClaimedRun]] {
        var rounds: [[ClaimedRun]] = []
        var want = want
        while true {
            let claimed = try await owner.writer.claim([want])
            guard let last = claimed.last else { return rounds }
            rounds.append(claimed)
            want.cursor.key = last.key
        }
    }

    private func run(_ lane: Int64, priority: Int = 0, key: String = "") -> NewRun {
        NewRun(lane: lane, planDigest: samplePlan.digest, priority: priority, key: key)
    }

    @Test("a run that waits as long as a level is worth comes before one of the next level")
    func ageing() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let strict = try await bed.store.ensureLane(session: "default", lane: "strict")
                let connection = try await PostgresConnection.connect(
                    bed.configuration,
                    logger: logger
                )
                try await connection.script("UPDATE lane SET ageing_ms = NULL WHERE id = \(strict)")
                for lane in [lane, strict] {
                    let old = try await bed.enqueue(1, lane: lane)
                    try await connection.script(
                        "UPDATE run SET rank = rank - 120001 WHERE id = \(old[0].number)"
                    )
                }
                for lane in [lane, strict] {
                    _ = try await bed.store.enqueue([1, 2, 3].map { self.run(lane, priority: $0) })
                }
                await connection.close()
                let aged = try await owner.writer.claim([owner.want(lane, room: 9)])
                #expect(aged.map(\.priority) == [3, 0, 2, 1])
                let byLevel = try await owner.writer.claim([owner.want(strict, room: 9)])
                #expect(byLevel.map(\.priority) == [3, 2, 1, 0])
            }
        }
    }

    @Test("a priority that is out of all bounds is a priority at their edge")
    func bounds() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let priorities = [Int(Int32.min), 0, Int(Int32.max)]
                _ = try await bed.store.enqueue(
                    priorities.map { self.run(lane, priority: $0) },
                    plans: [samplePlan]
                )
                let claimed = try await owner.writer.claim([owner.want(lane, room: 9)])
                #expect(claimed.map(\.priority) == priorities.reversed())
            }
        }
    }

    @Test("keys of a lane take turns, however many runs one of them has", arguments: [1, 3, 8, 50])
    func keys(room: Int) async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let noisy = Array(repeating: "noisy", count: 200)
                let quiet = (0..<10).map { "q\($0)" }
                let runs = (noisy + quiet + quiet + ["", ""]).map { self.run(lane, key: $0) }
                let ids = try await bed.store.enqueue(runs, plans: [samplePlan])
                let rounds = try await self.drained(owner, owner.want(lane, room: room))
                let all = rounds.flatMap { $0 }
                #expect(all.map(\.fence.run).sorted() == ids.sorted())
                #expect(rounds.allSatisfy { $0.count <= room })
                // Twelve keys, two runs each of the quiet ones: after two turns of each they are done.
                let first = Set(all.prefix(max(12 * 2, room) + room).map(\.key))
                #expect(first == Set(quiet + ["noisy", ""]))
                for key in quiet + [""] {
                    let last = all.lastIndex { $0.key == key } ?? .max
                    #expect(last < 12 * 2 + room * 2, "\(key) came as number \(last)")
                }
            }
        }
    }

    @Test("the turns of one key go by rank")
    func ranks() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let runs = (0..<20).map {
                    self.run(lane, priority: $0 % 5, key: $0 % 2 == 0 ? "a" : "b")
                }
                _ = try await bed.store.enqueue(runs, plans: [samplePlan])
                let all = try await self.drained(owner, owner.want(lane, room: 2)).flatMap { $0 }
                for key in ["a", "b"] {
                    let ranks = all.filter { $0.key == key }.map(\.rank)
                    #expect(ranks.count == 10)
                    #expect(ranks == ranks.sorted())
                }
            }
        }
    }

    @Test("a claim begins after its cursor, and the front is not lost")
    func cursor() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let ids = try await bed.enqueue(6, lane: lane)
                var want = try await owner.want(lane, room: 2)
                let first = try await owner.writer.claim([want])
                #expect(first.map(\.fence.run) == Array(ids.prefix(2)))
                want.cursor = ClaimCursor(rank: first[1].rank, run: ids[2].number)
                let after = try await owner.writer.claim([want])
                #expect(after.map(\.fence.run) == Array(ids[3...4]))
                want.cursor = ClaimCursor()
                want.room = 9
                let rest = try await owner.writer.claim([want])
                #expect(rest.map(\.fence.run) == [ids[2], ids[5]])
            }
        }
    }

    @Test("a look finds the first run that can be claimed before what was taken, in each lane")
    func fronts() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                var lanes: [Int64] = []
                var reaches: [LaneReach] = []
                for name in ["none", "before", "behind", "keyed"] {
                    let lane = try await bed.store.ensureLane(session: "default", lane: name)
                    _ = try await bed.enqueue(1, lane: lane)
                    let run = try await owner.claimOne(lane)
                    lanes.append(lane)
                    reaches.append(LaneReach(lane: lane, rank: run.rank, run: run.fence.run.number))
                }
                let better = [9, 5].map { self.run(lanes[1], priority: $0) }
                let before = try await bed.store.enqueue(better)
                _ = try await bed.store.enqueue([self.run(lanes[2])])
                _ = try await bed.store.enqueue([self.run(lanes[3], priority: 9, key: "k")])
                let fronts = try await bed.store.fronts(reaches, limit: 9).fronts
                #expect(fronts.map(\.lane) == lanes)
                #expect(fronts.map { $0.runs?.first.run } == [nil, before[0].number, nil, nil])
                #expect(fronts[1].runs?.last.run == before[1].number)
                #expect(fronts.map(\.count) == [0, 2, 0, 0])
                #expect(fronts.allSatisfy { $0.cost.map { $0 >= .zero } ?? false })
                #expect(try await bed.store.fronts(reaches, limit: 1).fronts[1].count == 1)
                // A claim that begins there takes it.
                var want = try await owner.want(lanes[1], room: 1)
                let first = try #require(fronts[1].runs?.first)
                want.cursor = ClaimCursor(rank: first.rank, run: first.run - 1)
                #expect(try await owner.writer.claim([want]).map(\.fence.run) == [before[0]])
                #expect(try await bed.store.fronts([], limit: 9).fronts.isEmpty)
                // A lane that is paused takes nothing, so nobody reads it.
                _ = try await bed.store.pauseLane(lanes[1], by: "anna", reason: nil)
                let paused = try await bed.store.fronts([reaches[1]], limit: 9).fronts
                #expect(paused[0].runs == nil && paused[0].cost == nil)
            }
        }
    }

    @Test("a run for later joins the queue when it is due, in its own node's hands")
    func due() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                var later = self.run(lane)
                later.delayMilliseconds = 3_600_000
                let ids = try await bed.store.enqueue([later, later], plans: [samplePlan])
                let seen = try await bed.store.glance(atReady: true)
                #expect(!seen.isReady && !seen.isAsked)
                #expect((3_500_000...3_600_000).contains(seen.dueMilliseconds ?? 0))
                #expect(try await bed.store.passDue(of: owner.node, limit: 10).isEmpty)
                let connection = try await PostgresConnection.connect(
                    bed.configuration,
                    logger: logger
                )
                try await connection.script("UPDATE run SET due_at = now() - interval '1 s'")
                #expect(try await bed.store.passDue(of: NodeEpoch(99), limit: 10).isEmpty)
                #expect(try await bed.store.passDue(of: owner.node, limit: 1) == [lane])
                #expect(try await bed.store.passDue(of: owner.node, limit: 9) == [lane])
                let now = try await bed.store.glance(atReady: true)
                #expect(now.isReady && now.dueMilliseconds == nil)
                #expect(try await bed.store.readyLanes(of: owner.node).map(\.lane) == [lane])
                let claimed = try await owner.writer.claim([owner.want(lane, room: 9)])
                #expect(claimed.map(\.fence.run) == ids)
                await connection.close()
            }
        }
    }

    @Test("a lane whose runs all have keys is ready, too")
    func keyedLanes() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                var lanes: [Int64] = []
                for name in ["a", "b", "c"] {
                    lanes.append(try await bed.store.ensureLane(session: "default", lane: name))
                }
                let runs = [
                    self.run(lanes[0]), self.run(lanes[1], key: "x"), self.run(lanes[1], key: "y"),
                    self.run(lanes[2]), self.run(lanes[2], key: "x"),
                ]
                _ = try await bed.store.enqueue(runs, plans: [samplePlan])
                let ready = try await bed.store.readyLanes(of: owner.node).map(\.lane)
                #expect(ready.sorted() == lanes)
            }
        }
    }
}
