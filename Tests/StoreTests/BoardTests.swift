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
            #expect(
                board.queued == Store.boardCountMax && board.queuedIsMore && !board.activeIsMore
            )
            try await bed.text(
                """
                UPDATE run SET status = 'running', claim_no = 1, started_at = now() RETURNING id
                """
            )
            let busy = try await Self.lane(bed, 500)
            #expect(busy.active == Store.boardCountMax && busy.activeIsMore && !busy.queuedIsMore)
            #expect(board.cards.count == 500)
            #expect(board.recent.map(\.id.number) == [900_001, 900_002, 900_003, 900_004, 900_005])
        }
    }

    @Test("what ended last is shown however long ago it was made, unless too much ended lately")
    func late() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let other = try await bed.store.ensureLane(session: "default", lane: "B")
            _ = try await bed.enqueue(1, lane: lane)
            func ended(_ ids: String, _ lane: Int64, _ ago: String) async throws {
                try await bed.text(
                    """
                    INSERT INTO run_done (id, lane_id, shard_id, plan_digest, status, finished_at)
                    SELECT i, \(lane), r.shard_id, r.plan_digest, 'failed', now() - interval '\(ago)'
                    FROM generate_series(\(ids)) i, (SELECT * FROM run LIMIT 1) r
                    """
                )
            }
            try await ended("900001, 900100", lane, "10 min")
            try await ended("900200, 900200", other, "10 min")
            try await ended("800001, 800001", lane, "5 s")
            let numbers = try await Self.lane(bed).recent.map(\.id.number)
            #expect(numbers == [800_001, 900_100, 900_099, 900_098, 900_097])
            // Of more within the hour only the last minute is looked at.
            try await ended("700001, 700001", other, "1 s")
            try await ended("1000001, 1010000", lane, "20 min")
            let boards = try await bed.store.board("default", cards: 1).lanes
            #expect(boards[0].recent.map(\.id.number).first == 800_001)
            #expect(boards[1].recent.map(\.id.number) == [700_001, 900_200])
        }
    }

    @Test("runs that wait for people are counted, those of other sessions and with other waits not")
    func waiting() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            _ = try await bed.store.createSession(name: "other", intent: "")
            let other = try await bed.store.ensureLane(session: "other", lane: "A")
            let ids = try await bed.enqueue(4, lane: lane)
            let far = try await bed.enqueue(1, lane: other)
            func wait(_ run: RunID, _ reason: String) async throws {
                try await bed.text(
                    """
                    UPDATE run SET status = 'waiting', waiting_at = now(), claim_no = 1,
                        wait_reason = '\(reason)' WHERE id = \(run.number)
                    """
                )
            }
            func ask(_ run: RunID, decided: String = "NULL") async throws {
                try await bed.text(
                    """
                    INSERT INTO approval (run_id, run_attempt, step, needed, groups, users, self,
                        message, decided_at)
                    VALUES (\(run.number), 1, 's', 1, '{}', '{}', true, 'ok?', \(decided))
                    """
                )
            }
            try await wait(ids[0], "step ''s'' waits for an approval")
            try await ask(ids[0])
            try await wait(ids[1], "step ''s'' was under way when its node died")
            try await wait(ids[2], "step ''s'' waits for signal ''x''")
            try await wait(ids[3], "step ''s'' waits for an approval")
            try await ask(ids[3], decided: "now()")
            try await wait(far[0], "step ''s'' waits for an approval")
            try await ask(far[0])
            let board = try await bed.store.board("default", cards: 1)
            #expect(board.waiting == 2 && !board.waitingIsMore)
            #expect(try await bed.store.board("other", cards: 1).waiting == 1)
        }
    }

    @Test("a board's cards are shared among its lanes, and short ones lose none to long ones")
    func share() {
        let fits = BoardShare([(3, 9), (500, 20)], active: 500, queued: 20, room: 4_000)
        #expect(fits == BoardShare([], active: 500, queued: 20, room: 4_000) && !fits.isCut)
        let long =
            [(active: Int64(1), queued: Int64(7))]
            + Array(repeating: (active: Int64(0), queued: Int64(1_001)), count: 99)
        let queued = BoardShare(long, active: 500, queued: 500, room: 4_000)
        #expect(queued.isCut && queued.active == 500 && queued.queued == 40)
        for counts in [long, Array(repeating: (active: Int64(700), queued: Int64(700)), count: 30)]
        {
            let share = BoardShare(counts, active: 500, queued: 500, room: 4_000)
            let cards = counts.map { min($0.active, share.active) + min($0.queued, share.queued) }
            #expect(cards.reduce(0, +) <= 4_000 && share.isCut)
            #expect(share.active > 0 && share.queued > 0)
        }
    }

    private static func step(
        _ name: String,
        _ attempt: Int,
        _ state: String,
        _ at: Int
    ) -> JSONValue {
        [
            "step": .string(name), "attempt": .integer(Int64(attempt)), "state": .string(state),
            "begun": .integer(Int64(at)), "ended": .integer(Int64(at)),
        ]
    }

    @Test("the failed step is the first that failed for good, by its last attempt")
    func failedStep() throws {
        func progress(_ rows: [JSONValue]) throws -> BoardProgress {
            BoardProgress(
                kept: try FoldedStep.kept(JSONValue.array(rows).canonicalText, runEnded: 0)
            )
        }
        let retried = try progress([
            Self.step("a", 1, "failed", 1), Self.step("a", 2, "succeeded", 2),
            Self.step("c", 1, "failed", 5), Self.step("b", 1, "failed", 4),
            Self.step("b", 2, "failed", 6), Self.step("d[1]", 1, "failed", 3),
            Self.step("d", 1, "succeeded", 3),
        ])
        #expect(retried.failedStep == "c" && retried.done == 2)
        let whole = try progress([
            Self.step("a", 2, "succeeded", 2), Self.step("a", 1, "failed", 1),
        ])
        #expect(whole.failedStep == nil && whole.done == 1)
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
