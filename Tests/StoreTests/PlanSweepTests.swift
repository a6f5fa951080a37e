// Decides that no plan goes that a run is made of, whoever makes it at the moment of the sweep.

import PulserIR
import TestKit
import Testing

@testable import Store

@Suite("Sweeping of plans", .timeLimit(.minutes(2)))
struct PlanSweepTests {
    private static let digest = planRow("old").digest

    /// The ways in which a run is made of a plan that is stored, as SQL in a client's own transaction.
    enum Way: String, CaseIterable, Sendable {
        case plainSQL, plainSQLWithUniqueKey, batch, tick

        func sql(_ lane: Int64) -> String {
            let hex = PlanSweepTests.digest.hex
            return switch self {
            case .plainSQL: "SELECT enqueue_run('A', 'sha256:\(hex)')"
            case .plainSQLWithUniqueKey:
                "SELECT enqueue_run('A', 'sha256:\(hex)', unique_key => 'k')"
            case .batch: "SELECT enqueue_runs('[{\"lane\": \"A\", \"plan\": \"sha256:\(hex)\"}]')"
            case .tick:
                """
                SELECT t.id FROM schedule s CROSS JOIN LATERAL schedule_unique_run(
                    s.id, now(), true, 'k', decode('\(hex)', 'hex'), '{}', 'anna') t
                """
            }
        }
    }

    /// A lane, a schedule of another plan, and a plan that nothing names.
    private static func with(
        _ body: @Sendable (StoreBed, Int64, EnqueueSQLBed.Client) async throws -> Void
    ) async throws {
        try await StoreBed.with { bed in
            let lane = try await EnqueueSQLBed.prepare(bed)
            try await bed.text(
                """
                INSERT INTO schedule (name, lane_id, template, rules, zone, anchor_at, jitter_ms,
                    misfire, catch_up_ms, catch_up_max, overlap, changed_by, unique_key, unique_scope,
                    unique_conflict, debounce_ms)
                VALUES ('s', \(lane), 'mail', '@daily', 'UTC', now(), 0, 'skip', 1, 1, 'queue', 'anna',
                    '', 'lane', 'replace', 1)
                """
            )
            try await bed.store.storePlans([planRow("old")])
            try await bed.text("UPDATE plan SET created_at = now() - interval '40 days'")
            try await EnqueueSQLBed.Client.with(bed) { try await body(bed, lane, $0) }
        }
    }

    /// Marks what nothing names, two hours ago.
    private static func mark(_ bed: StoreBed) async throws {
        #expect(try await bed.store.sweepPlans(.days(30)) == 0)
        try await bed.text("UPDATE plan SET unused_since = unused_since - interval '2 hours'")
        #expect(try await bed.text("SELECT name FROM plan WHERE unused_since IS NOT NULL") == "old")
    }

    private static func sweep(_ bed: StoreBed) async throws -> Int64 {
        try await bed.store.sweepPlans(.days(30))
    }

    /// That the plan is there, is not marked any more, and its one run can be read.
    private static func expectUsed(_ bed: StoreBed) async throws {
        #expect(try await Self.sweep(bed) == 0)
        #expect(try await bed.number("SELECT count(*) FROM plan WHERE unused_since IS NULL") == 2)
        let id = try #require(try await bed.text("SELECT id FROM run").flatMap { Int64($0) })
        #expect(try await bed.store.run(RunID(id)).planName == "old")
    }

    @Test("a plan stays of which somebody makes a run, not committed yet", arguments: Way.allCases)
    func taken(way: Way) async throws {
        try await Self.with { bed, lane, client in
            try await Self.mark(bed)
            try await client.ask("BEGIN")
            try await client.ask(way.sql(lane))
            #expect(try await Self.sweep(bed) == 0)
            try await client.ask("COMMIT")
            try await Self.expectUsed(bed)
        }
    }

    @Test(
        "a plan stays of which a run was made before the mark, not committed yet",
        arguments: Way.allCases
    )
    func takenBefore(way: Way) async throws {
        try await Self.with { bed, lane, client in
            try await client.ask("BEGIN")
            try await client.ask(way.sql(lane))
            try await Self.mark(bed)
            // Who reads plans is waited for, a second at most, and then nothing goes.
            #expect(try await Self.sweep(bed) == 0)
            try await client.ask("COMMIT")
            try await Self.expectUsed(bed)
        }
    }

    @Test("a run is refused whose plan goes at this moment", arguments: Way.allCases)
    func gone(way: Way) async throws {
        try await Self.with { bed, lane, client in
            try await Self.mark(bed)
            try await client.ask("BEGIN")
            #expect(try await client.ask("SELECT history_sweep_plans(30, 1000)") == ["1"])
            let start = NewRun(lane: lane, planDigest: Self.digest)
            var unique = start
            unique.unique = Uniqueness(key: "u")
            async let refused = Self.refusal(bed, way.sql(lane))
            async let started = code { [start] in _ = try await bed.store.start(start, plans: []) }
            async let only = code { [unique] in _ = try await bed.store.start(unique, plans: []) }
            async let many = code { [start] in _ = try await bed.store.enqueue([start]) }
            try await eventually("all wait for the sweep") {
                try await bed.number(
                    """
                    SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                    AND datname = current_database()
                    """
                ) == 4
            }
            try await client.ask("COMMIT")
            let said = await refused
            let isNamed = way != .tick
            #expect(said.contains(isNamed ? "there is no plan" : "plan_digest"), "\(said)")
            #expect(await [started, only, many] == [.conflict, .conflict, .conflict])
            #expect(try await bed.number("SELECT count(*) FROM run") == 0)
        }
    }

    private static func refusal(_ bed: StoreBed, _ sql: String) async -> String {
        do {
            return "accepted: \(try await bed.text(sql) ?? "")"
        } catch { return "\(error)" }
    }

    @Test("who sees what was there before the mark is refused, and may come again")
    func olderSnapshot() async throws {
        try await Self.with { bed, lane, client in
            try await client.ask("BEGIN ISOLATION LEVEL REPEATABLE READ")
            try await client.ask("SELECT count(*) FROM session")
            try await Self.mark(bed)
            #expect(try await Self.sweep(bed) == 1)
            let said = await client.refusal(Way.plainSQL.sql(lane))
            #expect(said.contains("could not serialize"), "\(said)")
            try await client.ask("ROLLBACK")
        }
    }

    @Test("a plan that is stored, and then run by its digest while the sweep looks, stays")
    func storedAgain() async throws {
        try await Self.with { bed, lane, client in
            try await Self.mark(bed)
            try await client.ask("BEGIN")
            try await client.ask("UPDATE plan SET unused_since = NULL WHERE name = 'old'")
            #expect(try await Self.sweep(bed) == 0)
            try await client.ask(Way.plainSQL.sql(lane))
            try await client.ask("COMMIT")
            try await Self.expectUsed(bed)
        }
    }

    @Test("a plan that another one names goes after that one")
    func parents() async throws {
        try await Self.with { bed, lane, client in
            try await bed.text(
                """
                INSERT INTO plan (digest, name, body, created_at) VALUES (sha256('p'), 'parent',
                    '{"name":"parent","x":"\(Self.digest.hex)"}', now() - interval '40 days')
                """
            )
            #expect(try await Self.sweep(bed) == 0)
            try await bed.text("UPDATE plan SET unused_since = unused_since - interval '2 hours'")
            #expect(
                try await bed.text("SELECT name FROM plan WHERE unused_since IS NOT NULL")
                    == "parent"
            )
            // Who makes a run of the parent holds both.
            try await client.ask("BEGIN")
            try await client.ask(
                "SELECT enqueue_run('A', 'sha256:' || encode(sha256('p'), 'hex'))"
            )
            #expect(try await Self.sweep(bed) == 0)
            try await client.ask("ROLLBACK")
            #expect(try await Self.sweep(bed) == 1)
            try await Self.mark(bed)
            #expect(try await Self.sweep(bed) == 1)
            #expect(try await bed.text("SELECT string_agg(name, ' ') FROM plan") == "mail")
        }
    }
}
