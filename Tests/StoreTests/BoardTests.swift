// Decides what a board shows of lanes: what is under way, what comes next in its order, and how it counts.

import PulserIR
import Testing

@testable import Store

@Suite("Board", .timeLimit(.minutes(2)))
struct BoardTests {
    private static func lane(_ bed: StoreBed, _ cards: Int = 20) async throws -> BoardLane {
        try #require(try await bed.store.board("default", cards: cards).lanes.first)
    }

    @Test(
        "queued runs stand in the order in which they are claimed, by rank and with keys in turns"
    )
    func order() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
            let plain = try await bed.enqueue(3, lane: lane)
            try await bed.store.setPriority(plain[2], to: 5)
            let first = try await Self.lane(bed)
            #expect(first.cards.map(\.id) == [plain[2], plain[0], plain[1]])
            #expect(first.queued == 3 && first.active == 0 && !first.queuedIsMore)
            #expect(try await Self.lane(bed, 2).cards.map(\.id) == [plain[2], plain[0]])
            #expect(try await Self.lane(bed, 0).cards.isEmpty)
            let keyed = try await bed.store.enqueue(
                ["b", "a", "a", "a", "b"].map {
                    NewRun(lane: lane, planDigest: samplePlan.digest, key: $0)
                },
                plans: [samplePlan]
            )
            let turns = try await Self.lane(bed).cards.map(\.id)
            #expect(turns.prefix(3) == [keyed[1], keyed[0], plain[2]])
            try await Owner.with(bed) { owner in
                let claimed = try await owner.writer.claim([owner.want(lane, room: 8)])
                #expect(Set(claimed.map(\.fence.run)) == Set(turns))
            }
        }
    }

    @Test("what is under way comes first, then what is ready, for later and paused")
    func states() async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "A", width: 9)
                let ids = try await bed.enqueue(5, lane: lane)
                let run = try await owner.claimOne(lane)
                #expect(run.fence.run == ids[0])
                _ = try await bed.store.requestPause(ids[1], by: "ann")
                try await bed.text(
                    """
                    UPDATE run SET is_delayed = true, due_at = now() + interval '1 hour'
                    WHERE id = \(ids[2].number)
                    """
                )
                let board = try await Self.lane(bed)
                #expect(board.cards.map(\.id) == [ids[0], ids[3], ids[4], ids[2], ids[1]])
                #expect(board.active == 1 && board.queued == 4)
                #expect(board.cards[0].node == "n" && board.cards[0].status == .claimed)
                #expect(board.cards[1].node == nil && board.cards[4].pausedBy == "ann")
                #expect(board.cards[3].dueMilliseconds != nil)
                let log = try await owner.log(lane)
                try await owner.writer.submit(
                    [.journal(record("one")), .journal(record("two", 1, .intent))],
                    fence: run.fence,
                    log: log
                )
                let progress = try await bed.store.boardProgress(
                    active: [ids[0]],
                    ended: [],
                    plans: [samplePlan.digest]
                )
                #expect(progress.runs[ids[0]]?.done == 1)
                #expect(progress.runs[ids[0]]?.step == "two")
                #expect(progress.totals == [samplePlan.digest: 0])
                try await owner.writer.submit(
                    [.journal(record("two", 1, .failed)), .transition(transition(.failed))],
                    fence: run.fence,
                    log: log
                )
                let after = try await Self.lane(bed)
                #expect(after.active == 0 && after.recent.map(\.id) == [ids[0]])
                #expect(after.recent[0].node == "n" && after.recent[0].status == .failed)
                let ended = try await bed.store.boardProgress(
                    active: [],
                    ended: [ids[0]],
                    plans: []
                )
                #expect(ended.runs[ids[0]]?.done == 1)
                #expect(ended.runs[ids[0]]?.failedStep == "two")
            }
        }
    }

    @Test("a board counts up to its bound, and shows the five that ended last")
    func bounds() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            _ = try await bed.enqueue(1_200, lane: lane)
            try await bed.text(
                """
                INSERT INTO run_done (id, lane_id, shard_id, plan_digest, status, finished_at)
                SELECT 900000 + i, r.lane_id, r.shard_id, r.plan_digest, 'succeeded',
                    now() - i * interval '1 s'
                FROM generate_series(1, 20) i, (SELECT * FROM run LIMIT 1) r
                """
            )
            let board = try await Self.lane(bed, 500)
            #expect(board.queued == Store.boardCountMax && board.queuedIsMore)
            #expect(board.cards.count == 500)
            #expect(board.recent.map(\.id.number) == [900_001, 900_002, 900_003, 900_004, 900_005])
        }
    }

    @Test(
        "what a run waits for is read from its sentence",
        arguments: [
            ("step 'pay' waits for signal 'x'; until then", BoardCard.Wait.Kind.signal, "pay"),
            ("step 'go' waits for an approval from group ops", .approval, "go"),
            ("step 'x' was under way when its node died and nobody can tell", .person, "x"),
        ]
    )
    func waits(reason: String, kind: BoardCard.Wait.Kind, step: String) throws {
        let wait = BoardCard.Wait(reason: reason, isRetrying: false, since: 5)
        #expect(wait == BoardCard.Wait(kind: kind, step: step, sinceMilliseconds: 5))
        #expect(BoardCard.Wait(reason: reason, isRetrying: true, since: nil)?.kind == .timer)
        #expect(BoardCard.Wait(reason: "paused by ann", isRetrying: false, since: 5) == nil)
        #expect(BoardCard.Wait(reason: nil, isRetrying: false, since: 5) == nil)
    }
}
