// Decides that a queued run that is moved comes where it was put, whatever stands there, and no other order changes.

import PulserIR
import TestKit
import Testing

@testable import Store

@Suite("Moves", .timeLimit(.minutes(3)))
struct MoveTests {
    /// The order in which a lane would be claimed, without claiming.
    private func order(_ bed: StoreBed, _ lane: Int64) async throws -> [Int64] {
        let text = try await bed.text(
            """
            SELECT coalesce(string_agg(id::text, ',' ORDER BY rank, id), '') FROM run
            WHERE lane_id = \(lane) AND status = 'queued'
            """
        )
        return (text ?? "").split(separator: ",").compactMap { Int64($0) }
    }

    @Test(
        "any run comes before any other, first or last, whatever ranks they have",
        arguments: 0..<6
    )
    func places(_ seed: UInt64) async throws {
        try await StoreBed.with { bed in
            var random = SeededGenerator(seed: seed)
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let ids = try await bed.enqueue(14, lane: lane)
            // Most have the same rank, as those of one batch; some stand one or two apart.
            if seed > 0 {
                let spread = ["0", "id % 2", "id % 3", "id", "-id", "id / 4"][Int(seed)]
                _ = try await bed.text("UPDATE run SET rank = 1000 + (\(spread)) RETURNING 1")
            }
            var wanted = try await self.order(bed, lane)
            for step in 0..<60 {
                let id = try #require(ids.randomElement(using: &random))
                wanted.removeAll { $0 == id.number }
                let context = "seed \(seed) step \(step)"
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    try await bed.store.move(id, QueueMove(place: .first))
                    wanted.insert(id.number, at: 0)
                case 1:
                    try await bed.store.move(id, QueueMove(place: .last))
                    wanted.append(id.number)
                default:
                    let place = Int.random(in: wanted.indices, using: &random)
                    let other = RunID(wanted[place])
                    try await bed.store.move(id, QueueMove(place: .before(other)))
                    wanted.insert(id.number, at: place)
                }
                let now = try await self.order(bed, lane)
                #expect(now == wanted, "\(context)")
            }
            let last = wanted
            try await Owner.with(bed) { owner in
                let claimed = try await owner.writer.claim([owner.want(lane, room: 14)])
                #expect(claimed.map(\.fence.run.number) == last)
            }
        }
    }

    @Test("a run that goes to another lane is that lane's, and its inputs open there")
    func lanes() async throws {
        try await StoreBed.with { bed in
            let first = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            let second = try await bed.store.ensureLane(session: "default", lane: "B", width: 9)
            let there = try await bed.enqueue(3, lane: second)
            let ids = try await bed.enqueue(3, lane: first)
            try await bed.store.move(ids[1], QueueMove(lane: "B", place: .before(there[1])))
            try await bed.store.move(ids[2], QueueMove(lane: "B", priority: 4))
            let row = try await bed.store.run(ids[2])
            #expect(row.laneName == "B" && row.priority == 4)
            try await Owner.with(bed) { owner in
                let claimed = try await owner.writer.claim([owner.want(second, room: 9)])
                let wanted = [ids[2], there[0], ids[1], there[1], there[2]]
                #expect(claimed.map(\.fence.run) == wanted)
                for run in claimed { _ = try bed.store.inputs(of: run) }
                let rest = try await owner.writer.claim([owner.want(first, room: 9)])
                #expect(rest.map(\.fence.run) == [ids[0]])
            }
        }
    }

    @Test("a claim that read a run before it was moved does not get it")
    func fence() async throws {
        try await StoreBed.with { bed in
            let first = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            let second = try await bed.store.ensureLane(session: "default", lane: "B", width: 9)
            let id = try await bed.enqueue(1, lane: first)[0]
            try await Owner.with(bed) { owner in
                let read = try await owner.next(first, room: 9)
                #expect(read.map(\.fence.run) == [id])
                try await bed.store.move(id, QueueMove(lane: "B"))
                let log = try await owner.log(first)
                await #expect(throws: StoreError.self) {
                    try await owner.writer.submit(
                        [.transition(transition(.succeeded))],
                        fence: read[0].fence,
                        log: log,
                        version: read[0].version
                    )
                }
                let next = try await owner.writer.claim([owner.want(second, room: 9)])
                #expect(next.map(\.fence.run) == [id])
            }
        }
    }

    @Test("where too many stand in the way on both sides the move is refused, and nothing changes")
    func deep() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let ids = try await bed.enqueue(2_200, lane: lane)
            _ = try await bed.text("UPDATE run SET rank = 5 RETURNING 1")
            let before = try await self.order(bed, lane)
            let refused = await code {
                try await bed.store.move(ids[2_199], QueueMove(place: .before(ids[1_100])))
            }
            #expect(refused == .conflict)
            #expect(try await self.order(bed, lane) == before)
            // Near either end there is room, whatever stands at the other.
            for place in [900, 1_400] {
                try await bed.store.move(ids[2_199], QueueMove(place: .before(ids[place])))
                var wanted = before.filter { $0 != ids[2_199].number }
                let index = try #require(wanted.firstIndex(of: ids[place].number))
                wanted.insert(ids[2_199].number, at: index)
                let now = try await self.order(bed, lane)
                #expect(now == wanted)
                _ = try await bed.text("UPDATE run SET rank = 5 RETURNING 1")
            }
        }
    }

    @Test("a run that is the only one of its kind in its lane stays there, one of a session moves")
    func unique() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            _ = try await bed.store.ensureLane(session: "default", lane: "B", width: 9)
            func run(_ scope: Uniqueness.Scope) async throws -> RunID {
                let new = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    unique: Uniqueness(key: "k", scope: scope)
                )
                return try await bed.store.enqueue([new], plans: [samplePlan])[0]
            }
            let own = try await run(.lane)
            let refused = await #expect(throws: StoreError.self) {
                try await bed.store.move(own, QueueMove(lane: "B"))
            }
            #expect(refused?.code == .conflict)
            #expect(refused?.message.contains("unique key of lane A") == true)
            try await bed.store.move(own, QueueMove(lane: "A", place: .first))
            let shared = try await run(.session)
            try await bed.store.move(shared, QueueMove(lane: "B"))
            #expect(try await bed.store.run(own).laneName == "A")
            #expect(try await bed.store.run(shared).laneName == "B")
        }
    }

    @Test("before a run for later is behind the ready ones; one of another key is no place")
    func others() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            func run(_ key: String, in delay: Int64 = 0) async throws -> RunID {
                let new = NewRun(
                    lane: lane,
                    planDigest: samplePlan.digest,
                    delayMilliseconds: delay,
                    key: key
                )
                return try await bed.store.enqueue([new], plans: [samplePlan])[0]
            }
            for key in ["", "k"] {
                let ready = [try await run(key), try await run(key), try await run(key)]
                let later = try await run(key, in: 7_200_000)
                try await bed.store.move(ready[0], QueueMove(place: .before(later)))
                // What is queued next comes behind it, not two hours ahead of it.
                let next = try await run(key)
                let mine = Set((ready + [later, next]).map(\.number))
                let order = try await self.order(bed, lane).filter(mine.contains)
                let wanted = [ready[1], ready[2], ready[0], next, later].map(\.number)
                #expect(order == wanted, "key '\(key)'")
                let other = try await run(key + "x")
                let refused = await #expect(throws: StoreError.self) {
                    try await bed.store.move(ready[1], QueueMove(place: .before(other)))
                }
                #expect(refused?.message.contains("of another key") == true)
                #expect(try await self.order(bed, lane).filter(mine.contains) == wanted)
            }
        }
    }

    @Test("a run that changed since somebody looked at it is not moved for them")
    func compared() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let ids = try await bed.enqueue(3, lane: lane)
            let wish = QueueMove(place: .first)
            let seen = try await bed.store.version(of: ids[2])
            try await bed.store.setPriority(ids[2], to: 0)
            #expect(try await !bed.store.move(ids[2], wish, ifStill: seen))
            #expect(try await self.order(bed, lane) == ids.map(\.number))
            let again = try await bed.store.version(of: ids[2])
            #expect(try await bed.store.move(ids[2], wish, ifStill: again))
            #expect(try await self.order(bed, lane).first == ids[2].number)
            #expect(try await !bed.store.move(ids[2], wish, ifStill: again))
        }
    }

    @Test("what may not be moved is refused, and it is said why")
    func refused() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            _ = try await bed.store.ensureLane(session: "default", lane: "B")
            let outside = try await bed.store.ensureLane(session: "default", lane: "out")
            _ = try await bed.store.updateLane(outside, worker: .external)
            _ = try await bed.store.ensureLane(session: "default", lane: "A/child")
            let ids = try await bed.enqueue(4, lane: lane)
            @Sendable func refusal(_ id: RunID, _ wish: QueueMove) async -> String {
                do {
                    try await bed.store.move(id, wish)
                    return "it was moved"
                } catch { return "\(error.code): \(error.message)" }
            }
            #expect(await refusal(ids[0], QueueMove(lane: "none")).hasPrefix("notFound"))
            #expect(await refusal(ids[0], QueueMove(lane: "out")).contains("workers outside"))
            #expect(await refusal(ids[0], QueueMove(lane: "A/child")).contains("child runs"))
            let elsewhere = QueueMove(lane: "B", place: .before(ids[1]))
            #expect(await refusal(ids[0], elsewhere).contains("not queued in that lane"))
            #expect(await refusal(RunID(1 << 40), QueueMove(place: .first)).hasPrefix("notFound"))
            try await Owner.with(bed) { owner in
                let run = try await owner.claimOne(lane)
                let id = run.fence.run
                let log = try await owner.log(lane)
                try await owner.writer.submit(
                    [.transition(transition(.waiting))],
                    fence: run.fence,
                    log: log
                )
                #expect(await refusal(id, QueueMove(lane: "B")).contains("is waiting, not queued"))
                let before = QueueMove(place: .before(id))
                #expect(await refusal(ids[3], before).contains("not queued in that lane"))
            }
            _ = try await bed.text(
                "UPDATE run SET claim_no = 2 WHERE id = \(ids[2].number) RETURNING 1"
            )
            #expect(await refusal(ids[2], QueueMove(lane: "B")).contains("its log is there"))
            #expect(await refusal(ids[2], QueueMove(place: .first)) == "it was moved")
            _ = try await bed.text("UPDATE session SET status = 'completed' RETURNING 1")
            #expect(await refusal(ids[3], QueueMove(place: .first)).contains("session has ended"))
        }
    }
}
