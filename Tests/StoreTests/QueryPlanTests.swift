// Decides that lists find their rows by an index, and that the queue does whatever was counted last.

import Foundation
import Postgres
import PulserIR
import TestBed
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2)))
struct QueryPlanTests {
    /// The tables that grow with what was done.
    private static let large = [
        "run", "run_done", "run_events", "step_journal", "bulk_item", "artifact", "run_key",
    ]

    /// 12,000 runs in 100 lanes of 20 sessions, all ended, a tenth of them badly.
    private static let rows = """
        INSERT INTO session (name) SELECT 's' || i FROM generate_series(1, 20) i;
        INSERT INTO lane (session_id, name)
        SELECT s.id, 'L' || i FROM session s, generate_series(1, 5) i;
        INSERT INTO plan (digest, name, body)
        SELECT sha256(convert_to(i::text, 'UTF8')), 'plan-' || i, '{}' FROM generate_series(1, 20) i;
        SELECT history_make('run_done', current_date - i) FROM generate_series(2, 10) i;
        INSERT INTO run_done (lane_id, shard_id, plan_digest, status, inputs, claim_no, parent_run,
            template, key, enqueued_at, started_at, finished_at)
        SELECT l.id, l.shard_id, sha256(convert_to((1 + i % 20)::text, 'UTF8')), s.status,
            '{"name":"' || md5(i::text) || '"}', 1, CASE WHEN i % 40 = 0 THEN i - 1 END,
            CASE WHEN i % 3 = 0 THEN 't' || i % 40 END,
            CASE WHEN i % 3 = 1 THEN 'k' || i % 40 ELSE '' END, now() - (12000 - i) * interval '1 min', now(),
            now() - (12000 - i) * interval '1 min'
        FROM generate_series(1, 12000) i
        JOIN (SELECT id, shard_id, row_number() OVER (ORDER BY id) AS n FROM lane) l
            ON l.n = 1 + i * 7919 % 100
        CROSS JOIN LATERAL (
            SELECT CASE WHEN i % 10 = 0 THEN 'failed' ELSE 'succeeded' END AS status) s
        ORDER BY i;
        INSERT INTO step_journal (run_id, step, attempt, claim_no, state)
        SELECT id, 'step', 1, 1, 'succeeded' FROM run_done;
        INSERT INTO artifact (run_id, step, name, digest, size, media_type)
        SELECT id, 'step', 'a', sha256('a'), 1, 'text/plain' FROM run_done;
        INSERT INTO run_events (lane_id, first_seq, n, bytes)
        SELECT lane_id, row_number() OVER (PARTITION BY lane_id ORDER BY id), 1, 'event' FROM run_done;
        INSERT INTO bulk (action, filter, reason, actor, status, total)
        SELECT 'pause', '{}', '', '', 'running', 200 FROM generate_series(1, 50);
        INSERT INTO bulk_item (bulk_id, run_id, claim_no, state)
        SELECT b.id, i, 1, CASE WHEN i % 2 = 0 THEN 'ok' ELSE 'pending' END
        FROM bulk b, generate_series(1, 200) i;
        """

    /// Runs `body` on those rows as they are when nothing is under way: the worst time to count.
    private func filled(
        _ body: @Sendable (StoreBed, PostgresConnection) async throws -> Void
    ) async throws {
        try await StoreBed.with { bed in
            let connection = try await PostgresConnection.connect(
                bed.configuration,
                logger: logger
            )
            try await connection.script(Self.rows)
            try await connection.script("VACUUM ANALYZE")
            try await body(bed, connection)
            await connection.close()
        }
    }

    /// Has the rest planned as the store's longer questions are.
    private func bind(_ connection: PostgresConnection) async throws {
        try await connection.script("SET random_page_cost = 1.1")
    }

    /// The plan of a statement for these values.
    private func plan(
        _ statement: PostgresStatement,
        _ values: [PostgresValue],
        _ connection: PostgresConnection
    ) async throws -> String {
        let explained = PostgresStatement(
            "explain \(statement.name)",
            statement.parameters,
            "EXPLAIN (COSTS OFF) \(statement.sql)"
        )
        let rows = try await connection.execute(explained, values)
        return (0..<rows.count).compactMap { rows.columnText($0, 0) }.joined(separator: "\n")
    }

    /// The plan of a statement that is executed so often that it is planned once for all values.
    private func plan(
        _ statement: PostgresStatement,
        _ connection: PostgresConnection
    ) async throws -> String {
        let types = statement.parameters.map { "\($0.rawValue)" }.joined(separator: ",")
        let names = try await connection.query(
            "SELECT array_to_string('{\(types)}'::oid[]::regtype[], ', ')"
        )
        let nulls = statement.parameters.map { _ in "NULL" }.joined(separator: ", ")
        try await connection.script(
            """
            SET plan_cache_mode = force_generic_plan;
            PREPARE asked (\(names.columnText(0, 0) ?? "")) AS \(statement.sql)
            """
        )
        let rows = try await connection.query("EXPLAIN (COSTS OFF) EXECUTE asked(\(nulls))")
        try await connection.script("DEALLOCATE asked; RESET plan_cache_mode")
        return (0..<rows.count).compactMap { rows.columnText($0, 0) }.joined(separator: "\n")
    }

    private func expectNoScan(_ plan: String, of tables: [String] = large, _ name: String) {
        for table in tables {
            // Its partitions bear its name and more.
            let isScanned = plan.split(separator: "\n").contains { line in
                guard let range = line.range(of: "Seq Scan on ") else { return false }
                let name = line[range.upperBound...].prefix { $0 != " " }
                return name == table || table != "run" && name.hasPrefix(table + "_")
            }
            if isScanned { Issue.record("\(name) reads all of \(table):\n\(plan)") }
        }
    }

    private static let now = Int64(Date.now.timeIntervalSince1970 * 1_000)

    private static let filters: [(name: String, set: @Sendable (inout RunQuery) -> Void)] = [
        ("failed", { $0.statuses = [.failed] }),
        ("open", { $0.statuses = [.queued, .claimed, .running, .waiting] }),
        ("paused", { $0.paused = .only }),
        ("session", { $0.session = "s7" }),
        ("lane", { $0.lane = "L3" }),
        ("key", { $0.key = "k9" }),
        ("template", { $0.template = "t9" }),
        ("parent", { $0.parent = RunID(79) }),
        ("enqueued from", { $0.enqueuedFrom = now - 7_200_000 }),
        ("enqueued before", { $0.enqueuedBefore = now - 3_600_000 }),
        ("finished from", { $0.finishedFrom = now - 7_200_000 }),
        ("finished before", { $0.finishedBefore = now - 3_600_000 }),
        ("these", { $0.runs = [RunID(79), RunID(6_001)] }),
        ("quiet", { $0.isQuiet = true }),
    ]

    @Test("every filter of a list of runs, alone and in pairs, finds them by an index")
    func lists() async throws {
        try await self.filled { bed, connection in
            try await self.bind(connection)
            for (place, first) in Self.filters.enumerated() {
                for second in Self.filters[place...] {
                    var query = RunQuery()
                    first.set(&query)
                    second.set(&query)
                    let lanes = try await bed.store.lanes(of: query)
                    for cursor in [nil, Int64(6_000)] {
                        let plan = try await self.plan(
                            lanes.form(
                                query,
                                RunListSQL.page,
                                RunListSQL.lanesPage,
                                RunListSQL.walkedPage
                            ),
                            Store.values(query, in: lanes, before: cursor, stretch: 51)
                                + [.int8(51)],
                            connection
                        )
                        self.expectNoScan(plan, "\(first.name) + \(second.name)")
                    }
                }
            }
        }
    }

    @Test("what is not ended, ended lately or counted by lane is found by an index")
    func counts() async throws {
        try await self.filled { _, connection in
            try await self.bind(connection)
            let day = PostgresValue.int8((Self.now - 86_400_000) * 1_000)
            let questions: [(PostgresStatement, [PostgresValue])] = [
                (RunListSQL.open, [.null]), (RunListSQL.open, [.int8(3)]),
                (RunListSQL.ended, [.null, day]), (RunListSQL.ended, [.int8(3), day]),
                (SessionsSQL.openRuns, [.int8Array([1, 2, 3])]),
                (LanesSQL.counts, [.int8Array([1, 2, 3]), .int8(Store.laneCountMax)]),
                (NodesSQL.page, [.int8(0), .bool(true), .int8(51)]),
                (BoardSQL.recent, [.int8Array([1, 2, 3]), .int8(5), .int8(50), .int8(1_000)]),
                (
                    StatsSQL.counts,
                    [day, .int8(60_000), .int8(10), .null, .null, .int8(1_000), .int8(100)]
                ),
                (
                    StatsSQL.times,
                    [
                        day, .int8(1_800_000), .int8(48), .int8Array([1, 2]), .text("t9"),
                        .int8(1 << 20), .int8(100),
                    ]
                ),
                (BulkSQL.page, [.int8(.max), .int8(5)]), (BulkSQL.get, [.int8(7)]),
                (BulkSQL.items, [.int8(7), .text("failed"), .int8(0), .int8(51)]),
            ]
            for (statement, values) in questions {
                let plan = try await self.plan(statement, values, connection)
                self.expectNoScan(plan, statement.name)
            }
        }
    }

    @Test("what is asked for one run, one lane or one action never reads everybody's")
    func single() async throws {
        try await self.filled { _, connection in
            let statements = [
                RunsSQL.get, RunsSQL.resolvePrefix, RunsSQL.byKey, RunsSQL.children,
                RunsSQL.requestCancel, RunsSQL.supersede, RunsSQL.retry, RunsSQL.revive,
                RunsSQL.unfold, PauseSQL.pause,
                PauseSQL.resume, JournalSQL.read, JournalSQL.page, EventsSQL.read,
                StreamsSQL.bounds, StreamsSQL.page, StreamsSQL.summary, StreamsSQL.ended,
                StreamsSQL.open, ArtifactsSQL.list, ArtifactsSQL.page, ArtifactsSQL.find,
                ArtifactsSQL.content, BulkSQL.next, BulkSQL.cancelRuns, BulkSQL.mark,
                BulkSQL.markRetried, BulkSQL.finish, SessionsSQL.archive, SessionsSQL.end,
                SessionsSQL.cancelRuns, LanesSQL.load, OversightSQL.run,
            ]
            for statement in statements {
                self.expectNoScan(try await self.plan(statement, connection), statement.name)
            }
        }
    }

    @Test("the queue goes by its own indexes, also when nothing was queued and no node had a shard")
    func queue() async throws {
        try await self.filled { _, connection in
            let shards: [PostgresValue] = [
                .int8(1), .int4Array((0..<64).map { $0 }), .int8Array((0..<64).map { _ in 1 }),
            ]
            let lanes: [PostgresValue] = [.int8Array((1...64).map { $0 }), .int8Array([8])]
            for statement in [
                WriterSQL.fence, WriterSQL.journal, WriterSQL.runs, WriterSQL.ends,
                WriterSQL.events,
                WriterSQL.artifacts, ClaimSQL.claim, RunsSQL.enqueue, BatchSQL.enqueue,
            ] {
                let plan = try await self.plan(statement, connection)
                self.expectNoScan(plan, of: Self.large + ["shard"], statement.name)
            }
            let claim = try await self.plan(
                ClaimSQL.claim,
                shards + lanes + [
                    .int8Array([]), .int8Array([.min]), .int8Array([.min]), .textArray([""]),
                ],
                connection
            )
            for plan in [claim, try await self.plan(ClaimSQL.claim, connection)] {
                let isOwn = plan.contains("run_ready")
                #expect(isOwn, "claims go by another index:\n\(plan)")
            }
            let ready = try await self.plan(RunsSQL.readyLanes, connection)
            #expect(ready.contains("run_ready"), "\(ready)")
            for (statement, index) in [
                (RunsSQL.recover, "run_live"), (RequestsSQL.underWay, "run_live"),
                (RequestsSQL.queued, "run_request"), (PauseSQL.pauses, "run_pause"),
            ] {
                let plan = try await self.plan(statement, connection)
                #expect(plan.contains(index), "\(statement.name) goes by another index:\n\(plan)")
            }
        }
    }

    @Test("what every node asks all the time reads its own row, however many nodes ever were")
    func membership() async throws {
        try await StoreBed.with { bed in
            let node = try await bed.active("a")
            _ = try await bed.store.takeShards(1_024, for: node)
            let connection = try await PostgresConnection.connect(
                bed.configuration,
                logger: logger
            )
            try await connection.script(
                """
                INSERT INTO node (name, address, status, lease_until, streak_since, build)
                SELECT 'n', 'n' || i, CASE WHEN i <= 30 THEN 'active' ELSE 'dead' END, now(), now(),
                    'test' FROM generate_series(1, 20000) i
                """
            )
            try await connection.script("VACUUM ANALYZE")
            for (statement, index) in [
                (MembershipSQL.renew, "node_pkey"), (MembershipSQL.view, "node_address"),
                (MembershipSQL.expired, "node_address"), (CoordinatorSQL.prolong, "node_pkey"),
                (MovesSQL.changes, "shard_changed"), (MovesSQL.holdTarget, "node_pkey"),
                (MovesSQL.handOver, "shard_pkey"), (MovesSQL.handedOver, "shard_pkey"),
                (MembershipSQL.rise, "node_view"),
            ] {
                let plan =
                    statement.parameters.isEmpty
                    ? try await self.plan(statement, [], connection)
                    : try await self.plan(statement, connection)
                self.expectNoScan(plan, of: ["node", "node n", "shard", "shard s"], statement.name)
                #expect(plan.contains(index), "\(statement.name) goes by another index:\n\(plan)")
            }
            await connection.close()
        }
    }
}
