// Decides what retention drops, and what stays of what was dropped.

import Foundation
import PulserIR
import TestKit
import Testing

@testable import Store

extension StoreBed {
    /// Makes the day `days` ago, and moves all that has ended, and all events, to it.
    fileprivate func age(by days: Int) async throws {
        try await self.text(
            """
            SELECT count(history_make(t, (now() AT TIME ZONE 'UTC')::date - \(days)))
            FROM unnest(ARRAY['run_done', 'run_events']) t
            """
        )
        try await self.text(
            "UPDATE run_done SET finished_at = finished_at - interval '\(days) days'"
        )
        try await self.text("UPDATE run_events SET stored_on = stored_on - \(days)")
    }

    /// Looks as a node does.
    fileprivate func look() async throws -> Int {
        guard let settings = try await self.store.takeHistory(every: .zero) else { return 0 }
        let overdue = try await self.store.overdueHistory(
            runs: settings.runs,
            events: settings.events
        )
        for part in overdue { try await self.store.drop(part) }
        return overdue.count
    }
}

@Suite(.timeLimit(.minutes(2)))
struct HistoryDropTests {
    /// One run with an artifact, a key and an event, ended `days` ago, and one that is under way.
    private func ended(
        days: Int,
        _ body: @Sendable (StoreBed, Owner, Int64, [RunID]) async throws -> Void
    ) async throws {
        try await StoreBed.with { bed in
            try await Owner.with(bed) { owner in
                let lane = try await bed.store.ensureLane(session: "default", lane: "l")
                let old = planRow("old")
                let keyed = NewRun(lane: lane, planDigest: old.digest, idempotencyKey: "k")
                let first = try await bed.store.enqueue([keyed], plans: [old])
                let second = try await bed.enqueue(1, lane: lane)
                let log = try await owner.log(lane)
                let run = try await owner.claimOne(lane)
                let file = ArtifactRow(
                    step: "a",
                    name: "f",
                    digest: Digest(of: [7]),
                    size: 1,
                    mediaType: "text/plain",
                    content: nil
                )
                try await owner.writer.submit(
                    [
                        .journal(record("a")), .artifact(file), .event(event(run.fence.run)),
                        .transition(transition(.succeeded)),
                    ],
                    fence: run.fence,
                    log: log
                )
                if days > 0 { try await bed.age(by: days) }
                try await body(bed, owner, lane, first + second)
            }
        }
    }

    @Test("a day goes when it is wholly older than what is kept, not before")
    func boundary() async throws {
        for (days, isKept) in [(30, true), (32, false)] {
            try await self.ended(days: days) { bed, _, _, ids in
                let dropped = try await bed.look()
                #expect(dropped == (isKept ? 0 : 2), "\(days) days")
                let left = try await bed.number("SELECT count(*) FROM run_any")
                #expect(left == (isKept ? 2 : 1))
                #expect(try await bed.store.run(ids[1]).status == .queued)
            }
        }
    }

    @Test(
        "with a run go its artifacts, its key, its deadlines and its plan; its log goes on counting"
    )
    func dependents() async throws {
        try await self.ended(days: 40) { bed, owner, lane, ids in
            // It ended long before its deadline, and this one does not go by itself.
            for id in ids {
                try await bed.text(
                    """
                    INSERT INTO run_deadline (run_id, kind, at)
                    VALUES (\(id.number), 'end', now() + interval '300 days')
                    """
                )
            }
            #expect(try await bed.look() == 2)
            let waiting = try await bed.text(
                "SELECT string_agg(run_id::text, ' ') FROM run_deadline"
            )
            #expect(waiting == "\(ids[1].number)")
            #expect(await code { _ = try await bed.store.run(ids[0]) } == .notFound)
            for table in ["artifact", "run_key", "step_any", "run_events", "run_done"] {
                #expect(try await bed.number("SELECT count(*) FROM \(table)") == 0, "\(table)")
            }
            let left =
                "SELECT count(*) FROM history_part WHERE is_gone OR day < now() - interval '9 d'"
            #expect(try await bed.number(left) == 0)
            let bounds = try await bed.store.eventBounds([lane])
            #expect(bounds == [EventBounds(lane: lane, floor: 1, head: 1)])
            #expect(try await owner.log(lane).nextSequence == 2)
            // Its node is told of the file; the key is free again.
            let name = try #require(try await bed.store.view().nodes.first?.name)
            let files = try await bed.store.goneFiles(of: name, after: nil, limit: 9)
            #expect(files.map(\.file) == [Digest(of: [7])] && files.allSatisfy { !$0.isNamed })
            // The plan goes when it was not used for an hour more; the other one has a run.
            try await bed.text("UPDATE plan SET created_at = now() - interval '40 days'")
            #expect(try await bed.store.sweepPlans(.days(30)) == 0)
            try await bed.text("UPDATE plan SET unused_since = unused_since - interval '2 hours'")
            #expect(try await bed.store.sweepPlans(.days(30)) == 1)
            #expect(try await bed.text("SELECT name FROM plan") == "sample")
        }
    }

    @Test("the key of a run that joined or replaced another one is free when that one is dropped")
    func sharedKeys() async throws {
        try await StoreBed.with { bed in
            _ = try await EnqueueSQLBed.prepare(bed)
            try await EnqueueSQLBed.Client.with(bed) { client in
                func ask(_ more: String) async throws -> String? {
                    let mail = "'A', 'mail', '{\"to\": \"a\"}'"
                    return try await client.ask("SELECT enqueue_run(\(mail), \(more))").first
                }
                let kind = "unique_key => 'k', on_conflict =>"
                let first = try await ask("unique_key => 'k', idempotency_key => 'i'")
                #expect(try await ask("\(kind) 'join', idempotency_key => 'j'") == first)
                #expect(try await ask("\(kind) 'replace', idempotency_key => 'r'") == first)
                let other = try await ask("idempotency_key => 'o'")
                let id = try #require(first.flatMap { RunID($0) })
                #expect(try await bed.store.requestCancel(id, reason: "x") == .cancelled)
                try await bed.age(by: 40)
                #expect(try await bed.look() > 0)
                #expect(await code { _ = try await bed.store.run(id) } == .notFound)
                #expect(try await bed.text("SELECT string_agg(key, ' ') FROM run_key") == "o")
                #expect(try await ask("idempotency_key => 'o'") == other)
            }
        }
    }

    @Test("a plan that is stored again, or that a plan in use names, stays")
    func plans() async throws {
        try await self.ended(days: 40) { bed, _, lane, _ in
            #expect(try await bed.look() == 2)
            try await bed.text("UPDATE plan SET created_at = now() - interval '40 days'")
            try await bed.store.sweepPlans(.days(30))
            #expect(
                try await bed.number("SELECT count(*) FROM plan WHERE unused_since IS NOT NULL")
                    == 1
            )
            try await bed.store.storePlans([planRow("old")])
            try await bed.text(
                """
                UPDATE plan SET body = '{"x":"\(planRow("old").digest.hex)"}' WHERE name = 'sample'
                """
            )
            try await bed.store.sweepPlans(.days(30))
            #expect(
                try await bed.number("SELECT count(*) FROM plan WHERE unused_since IS NULL") == 2
            )
        }
    }

    @Test("a drop that was broken off is gone on with by the next look")
    func brokenOff() async throws {
        try await self.ended(days: 40) { bed, _, _, _ in
            let part = try #require(
                try await bed.store.overdueHistory(runs: .days(30), events: .forever).first
            )
            try await bed.text("SELECT history_detach_runs('\(part.name)')")
            #expect(try await bed.number("SELECT count(*) FROM run_any") == 1)
            #expect(try await bed.number("SELECT count(*) FROM artifact") == 1)
            #expect(try await bed.look() == 2)
            #expect(try await bed.number("SELECT count(*) FROM artifact") == 0)
        }
    }

    @Test("of nodes that look at once one has the right; for ever drops nothing; editors meet")
    func settings() async throws {
        try await self.ended(days: 40) { bed, _, _, _ in
            let seen = try await bed.store.retention()
            #expect(seen.runs == .days(30) && seen.events == .days(30))
            let now = try await bed.store.setRetention(runs: .forever, events: .days(50))
            #expect(now.runs == .forever && now.events == .days(50))
            let late = await code {
                _ = try await bed.store.setRetention(
                    runs: .days(1),
                    events: nil,
                    revision: seen.revision
                )
            }
            #expect(late == .stale)
            let takers = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<6 {
                    group.addTask { try await bed.store.takeHistory(every: .seconds(600)) != nil }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(takers == 1)
            #expect(try await bed.store.overdueHistory(runs: .forever, events: .days(50)).isEmpty)
        }
    }

    @Test("days are there before they begin, and what came without one is put where it belongs")
    func ahead() async throws {
        try await StoreBed.with { bed in
            try await bed.text(
                """
                INSERT INTO run_events (lane_id, first_seq, n, bytes, stored_on)
                VALUES (1, 1, 1, 'x', (now() AT TIME ZONE 'UTC')::date + 5)
                """
            )
            #expect(try await bed.number("SELECT count(*) FROM run_events_default") == 1)
            try await bed.store.makeHistoryAhead()
            try await bed.store.makeHistoryAhead()
            #expect(try await bed.number("SELECT count(*) FROM run_events_default") == 0)
            #expect(try await bed.number("SELECT count(*) FROM run_events") == 1)
            let days = "SELECT count(*) FROM history_part WHERE day IS NOT NULL"
            #expect(try await bed.number(days) == 2 * Int(1 + Store.historyDaysAhead))
        }
    }
}
