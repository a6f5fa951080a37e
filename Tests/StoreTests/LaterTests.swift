// Decides that a run that a worker outside gives back for later is due then, whoever queues it.

import PulserIR
import Testing

@testable import Store

@Suite("Given back for later", .timeLimit(.minutes(2)))
struct LaterTests {
    /// A run that a worker has.
    private static func handed(_ owner: Owner, _ lane: Int64) async throws -> ClaimedRun {
        let run = try await owner.claimOne(lane)
        _ = try await owner.store.hand(run.fence, attempt: 1, to: "w", lease: .seconds(60))
        let log = try await owner.log(lane)
        try await owner.writer.submit(
            [.transition(transition(.running))],
            fence: run.fence,
            log: log
        )
        return run
    }

    private static func queue(_ owner: Owner, _ run: ClaimedRun) async throws {
        var move = transition(.queued)
        move.retryCount = run.retryCount
        let log = try await owner.log(run.fence.lane)
        try await owner.writer.submit([.transition(move)], fence: run.fence, log: log)
    }

    @Test("when it is due is on record with the end of its claim, and counts for the next owner")
    func due() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let id = try await bed.enqueue(1, lane: lane)[0]
            try await bed.text("UPDATE run SET priority = 3 WHERE id = \(id.number)")
            try await Owner.with(bed) { owner in
                let run = try await Self.handed(owner, lane)
                func end(_ fence: RunFence, delay: Int64, retries: Int) async throws {
                    try await bed.store.endExternalClaim(
                        fence,
                        claim: run.fence.claimNumber,
                        isLost: false,
                        delay: delay,
                        retries: retries
                    )
                }
                var old = run.fence
                old.claimNumber -= 1
                try await end(old, delay: 86_400_000, retries: 7)
                #expect(try await bed.number("SELECT count(*) FROM run WHERE retry_count > 0") == 0)
                try await end(run.fence, delay: 3_600_000, retries: 1)
                // Sent again it changes nothing.
                try await end(run.fence, delay: 86_400_000, retries: 2)
                let kept = try await bed.text(
                    """
                    SELECT concat_ws(' ', status, retry_count, is_delayed,
                        retry_at - now() BETWEEN interval '59 min' AND interval '1 h') FROM run
                    """
                )
                #expect(kept == "running 1 f t")
                let want = try await owner.want(lane, room: 0)
                let next = try #require(try await owner.writer.adopt([id], lanes: [want]).first)
                #expect(next.retryCount == 1)
                // Twice, as after an acknowledgement that was lost.
                for _ in 0..<2 { try await Self.queue(owner, next) }
                let queued = try await bed.text(
                    """
                    SELECT concat_ws(' ', r.status, r.retry_count, r.is_delayed, r.priority,
                        r.retry_at IS NULL,
                        r.due_at - now() BETWEEN interval '59 min' AND interval '1 h',
                        r.rank = run_rank(r.due_at, 3, l.ageing_ms))
                    FROM run r JOIN lane l ON l.id = r.lane_id
                    """
                )
                #expect(queued == "queued 1 t 3 t t t")
                let room = try await owner.want(lane, room: 1)
                #expect(try await owner.writer.claim([room]).isEmpty)
                try await bed.store.snooze(id, for: 0)
                #expect(try await owner.claimOne(lane).fence.run == id)
            }
        }
    }

    @Test("a run that is given back at once, or whose worker was lost, has its place again")
    func atOnce() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let ids = try await bed.enqueue(2, lane: lane)
            try await Owner.with(bed) { owner in
                for isLost in [false, true] {
                    let run = try await Self.handed(owner, lane)
                    #expect(run.fence.run == ids[0])
                    try await bed.store.endExternalClaim(
                        run.fence,
                        claim: run.fence.claimNumber,
                        isLost: isLost
                    )
                    try await Self.queue(owner, run)
                    let kept = try await bed.text(
                        """
                        SELECT concat_ws(' ', status, is_delayed, retry_at IS NULL, due_at <= now())
                        FROM run WHERE id = \(ids[0].number)
                        """
                    )
                    #expect(kept == "queued f t t")
                }
            }
        }
    }
}
