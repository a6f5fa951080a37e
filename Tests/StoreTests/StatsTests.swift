// Decides what statistics are made of: runs that ended in a time, by bucket, lane and template, and queues.

import Foundation
import PulserIR
import Testing

@testable import Store

@Suite("Statistics", .timeLimit(.minutes(2)))
struct StatsTests {
    private static let hour: Int64 = 3_600_000
    private static let from = Int64(Date.now.timeIntervalSince1970 * 1_000) - 2 * hour

    /// Runs that ended in the first of two hours, one second apart.
    private static func ended(
        _ bed: StoreBed,
        _ lane: Int64,
        _ count: Int,
        _ status: String,
        template: String? = nil,
        minute: Int = 5
    ) async throws {
        try await bed.text(
            """
            INSERT INTO run_done (lane_id, shard_id, plan_digest, status, template, enqueued_at, due_at,
                started_at, finished_at)
            SELECT l.id, l.shard_id, p.digest, '\(status)', \(template.map { "'\($0)'" } ?? "NULL"),
                e.at - interval '3 s', e.at - interval '3 s', e.at - i * interval '1 ms', e.at
            FROM lane l, plan p, generate_series(1, \(count)) i
            CROSS JOIN LATERAL (SELECT to_timestamp(\(Self.from) / 1000.0)
                + interval '\(minute) min' + i * interval '1 s' AS at) e
            WHERE l.id = \(lane)
            """
        )
    }

    private static func ask(_ session: String? = nil, _ template: String? = nil) -> StatsQuery {
        StatsQuery(
            fromMilliseconds: Self.from,
            bucketMilliseconds: Self.hour,
            buckets: 3,
            session: session,
            template: template
        )
    }

    @Test("runs are counted where they ended, with the times that half and most of them took")
    func figures() async throws {
        try await StoreBed.with { bed in
            let first = try await bed.store.ensureLane(session: "default", lane: "A")
            let second = try await bed.store.ensureLane(session: "default", lane: "B")
            try await bed.store.storePlans([samplePlan])
            try await Self.ended(bed, first, 100, "succeeded", template: "t")
            try await Self.ended(bed, second, 3, "failed", minute: 65)
            try await Self.ended(bed, second, 2, "timed_out", minute: 65)
            // Before the time.
            try await Self.ended(bed, second, 7, "cancelled", minute: -90)
            for session in [nil, "default"] {
                let stats = try await bed.store.stats(Self.ask(session))
                #expect(stats.buckets.map { $0?.count } == [100, 5, 0])
                #expect(!stats.isPartial && !stats.isSampled)
                let first = try #require(stats.buckets[0])
                #expect(first.runHalf == 50 && first.runMost == 95 && first.waitHalf == 2_949)
                #expect(stats.buckets[2]?.runHalf == nil)
                #expect(stats.lanes.map(\.lane) == ["A", "B"])
                #expect(stats.lanes[1].figures.failed == 3 && stats.lanes[1].figures.timedOut == 2)
                #expect(stats.templates.map(\.template) == ["t", nil])
                #expect(stats.templates[1].plan == "sample")
            }
            let narrow = try await bed.store.stats(Self.ask(nil, "t"))
            #expect(narrow.buckets.map { $0?.count } == [100, 0, 0] && narrow.lanes.count == 1)
            let none = try await bed.store.stats(Self.ask("nobody"))
            #expect(none.buckets.allSatisfy { $0?.count == 0 } && none.queue.isEmpty)
        }
    }

    @Test("a run that was queued again waited from then on, and keeps its turn")
    func again() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let ids = try await bed.enqueue(2, lane: lane)
            _ = try await bed.text(
                """
                UPDATE run SET enqueued_at = now() - interval '1 h', due_at = now() - interval '1 h'
                RETURNING 1
                """
            )
            try await Owner.with(bed) { owner in
                let first = try await owner.claimOne(lane)
                #expect(first.fence.run == ids[0])
                let log = try await owner.log(lane)
                try await owner.writer.submit(
                    [.transition(transition(.waiting))],
                    fence: first.fence,
                    log: log
                )
                let rank = try await bed.number("SELECT rank FROM run WHERE id = \(ids[0].number)")
                let waiting = try await bed.store.run(ids[0])
                #expect(waiting.readyMilliseconds < waiting.enqueuedMilliseconds + 1_000)
                try await bed.store.retry(waiting, steps: [], inputs: nil)
                let ready = try await bed.store.run(ids[0]).readyMilliseconds
                #expect(ready > waiting.enqueuedMilliseconds + 3_000_000)
                let cards = try await bed.store.board("default", cards: 20).lanes[0].cards
                #expect(cards.first { $0.id == ids[0] }?.readyMilliseconds == ready)
                let queue = try await bed.store.stats(Self.ask()).queue
                #expect(queue.first.map { $0.oldestMilliseconds > 3_500_000 } == true)
                let now = try await bed.number("SELECT rank FROM run WHERE id = \(ids[0].number)")
                #expect(now == rank)
                let again = try await owner.claimOne(lane)
                #expect(again.fence.run == ids[0])
                try await owner.writer.submit(
                    [.transition(transition(.succeeded))],
                    fence: again.fence,
                    log: log
                )
                let stats = try await bed.store.stats(Self.ask())
                let waited = try #require(stats.lanes.first?.figures.waitMost)
                #expect(waited < 600_000)
            }
        }
    }

    @Test("all is counted, times are of a sample, and what was not reached is not told as nothing")
    func bounds() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let other = try await bed.store.ensureLane(session: "default", lane: "B")
            try await bed.store.storePlans([samplePlan])
            try await Self.ended(bed, lane, 900, "succeeded")
            try await Self.ended(bed, other, 600, "failed", minute: 65)
            try await Self.ended(bed, lane, 40, "timed_out", minute: 66)
            for session in [nil, "default"] {
                let sampled = try await bed.store.stats(Self.ask(session), sampleMax: 300)
                #expect(sampled.buckets.map { $0?.count } == [900, 640, 0])
                #expect(sampled.isSampled && !sampled.isPartial)
                #expect(sampled.lanes.map(\.figures.count) == [940, 600])
                // Not of those that came first alone, which took up to 100 ms.
                let half = try #require(sampled.buckets[0]?.runHalf)
                #expect((250...650).contains(half), "\(half)")
                let cut = try await bed.store.stats(Self.ask(session), runsMax: 1_000)
                #expect(cut.buckets.map { $0?.count } == [nil, 640, 0] && cut.isPartial)
                #expect(cut.lanes.map(\.figures.count) == [600, 40])
                let none = try await bed.store.stats(Self.ask(session), runsMax: 500)
                #expect(none.buckets.map { $0?.count } == [nil, nil, 0] && none.lanes.isEmpty)
            }
            let fits = try await bed.store.stats(Self.ask(), runsMax: 1_540)
            #expect(fits.buckets.map { $0?.count } == [900, 640, 0] && !fits.isPartial)
        }
    }

    @Test("the oldest is looked for at both ends of a queue that is longer than is counted")
    func oldest() async throws {
        try await StoreBed.with { bed in
            let lane = try await bed.store.ensureLane(session: "default", lane: "A")
            let ids = try await bed.enqueue(1_100, lane: lane)
            try await bed.store.setPriority(ids[0], to: -1)
            try await bed.text(
                """
                UPDATE run SET enqueued_at = now() - interval '1 h', due_at = now() - interval '1 h'
                WHERE id = \(ids[0].number) RETURNING id
                """
            )
            let queue = try #require(try await bed.store.stats(Self.ask()).queue.first)
            #expect(queue.isMore && queue.queued == Store.boardCountMax)
            #expect(queue.oldestMilliseconds >= Self.hour, "\(queue)")
        }
    }

    @Test("where not all lanes are told that is said", arguments: [nil, "default"])
    func more(session: String?) async throws {
        try await StoreBed.with { bed in
            let first = try await bed.store.ensureLane(session: "default", lane: "A")
            try await bed.store.storePlans([samplePlan])
            // The first 250 have nothing: they stand in nobody's way.
            try await bed.text(
                """
                INSERT INTO lane (session_id, name, width)
                SELECT l.session_id, 'L' || i, 1 FROM lane l, generate_series(1, 450) i
                WHERE l.id = \(first)
                """
            )
            func fill(_ count: Int) async throws {
                try await bed.text(
                    """
                    INSERT INTO run (lane_id, shard_id, plan_digest)
                    SELECT l.id, l.shard_id, p.digest FROM plan p,
                        (SELECT * FROM lane ORDER BY id OFFSET 250 LIMIT \(count)) l
                    """
                )
            }
            try await fill(200)
            let whole = try await bed.store.stats(Self.ask(session))
            #expect(whole.queue.count == 200 && !whole.queueIsMore)
            #expect(!whole.lanesAreMore && !whole.templatesAreMore)
            try await fill(201)
            let cut = try await bed.store.stats(Self.ask(session))
            #expect(cut.queue.count == 200 && cut.queueIsMore)
            try await bed.text(
                """
                INSERT INTO run_done
                    (lane_id, shard_id, plan_digest, status, enqueued_at, started_at, finished_at)
                SELECT l.id, l.shard_id, p.digest, 'succeeded', now(), now(), now() - interval '1 s'
                FROM plan p, (SELECT * FROM lane ORDER BY id LIMIT 101) l
                """
            )
            let lanes = try await bed.store.stats(Self.ask(session))
            #expect(lanes.lanes.count == Store.statsGroupsMax && lanes.lanesAreMore)
            #expect(lanes.templates.count == 1 && !lanes.templatesAreMore)
        }
    }

    @Test("queues are told with their age, counted up to a bound, of the lanes that are meant")
    func queues() async throws {
        try await StoreBed.with { bed in
            let first = try await bed.store.ensureLane(session: "default", lane: "A")
            let second = try await bed.store.ensureLane(session: "default", lane: "B")
            _ = try await bed.store.ensureLane(session: "default", lane: "C")
            _ = try await bed.enqueue(1_100, lane: first)
            _ = try await bed.store.enqueue(
                [NewRun(lane: second, planDigest: samplePlan.digest, key: "k")],
                plans: [samplePlan]
            )
            try await bed.text("UPDATE run SET enqueued_at = now() - interval '1 min'")
            let queue = try await bed.store.stats(Self.ask()).queue
            #expect(queue.map(\.lane) == ["A", "B"])
            #expect(queue.map(\.queued) == [Store.boardCountMax, 1])
            #expect(queue.map(\.isMore) == [true, false])
            #expect(queue.allSatisfy { $0.oldestMilliseconds >= 0 })
            var lane = Self.ask()
            lane.lane = "B"
            #expect(try await bed.store.stats(lane).queue.map(\.lane) == ["B"])
        }
    }
}
