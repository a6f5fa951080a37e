// Decides that the queue's statements, planned while nothing was there, stay cheap with a million runs.

import Foundation
import Postgres
import PulserIR
import TestBed
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(3)))
struct MillionTests {
    /// Nothing but what a node and lanes are; counted as it is.
    private static let bare = """
        INSERT INTO session (name) VALUES ('s');
        INSERT INTO lane (session_id, name, width) SELECT 1, 'L' || i, 10 FROM generate_series(1, 128) i;
        INSERT INTO plan (digest, name, body) VALUES (sha256('p'), 'p', '{}');
        INSERT INTO node (name, address, status, lease_until, streak_since, build)
        VALUES ('n', 'n', 'active', now() + interval '1 hour', now(), 'test');
        UPDATE shard SET owner = 1, generation = 1, state = 'running';
        SELECT history_make('run_done', current_date - i), history_make('run_events', current_date - i)
        FROM generate_series(2, 4) i;
        VACUUM ANALYZE
        """

    /// A million queued runs and a few under way, and history of five days.
    private static let full = """
        INSERT INTO run (lane_id, shard_id, plan_digest)
        SELECT l.id, l.shard_id, sha256('p') FROM generate_series(1, 1000000) i
        JOIN lane l ON l.id = 1 + i % 64;
        INSERT INTO run (lane_id, shard_id, plan_digest, key)
        SELECT l.id, l.shard_id, sha256('p'), 'k' || i % 1000 FROM generate_series(1, 300000) i
        JOIN lane l ON l.id = 65 + i % 64;
        INSERT INTO run (lane_id, shard_id, plan_digest, is_delayed, due_at)
        SELECT l.id, l.shard_id, sha256('p'), true, now() + (i - 5000) * interval '1 s'
        FROM generate_series(1, 100000) i JOIN lane l ON l.id = 1 + i % 64;
        UPDATE run SET status = 'running', claim_no = 1, owner = 1, request = 'cancel', pause_no = 1
        WHERE id <= 640;
        UPDATE run SET request = 'cancel' WHERE id BETWEEN 300001 AND 320000;
        UPDATE session SET asked_to = 500000, end_reason = 'no';
        UPDATE run SET started_at = now() WHERE id <= 64;
        INSERT INTO run_deadline (run_id, kind, after_ms)
        SELECT CASE WHEN i % 100 = 0 THEN 5000000 + i ELSE i END, 'end', 3600000
        FROM generate_series(1, 300000) i;
        INSERT INTO step_journal (run_id, step, attempt, claim_no, state)
        SELECT i, s, 1, 1, 'succeeded' FROM generate_series(1, 50000) i, unnest(ARRAY['a', 'b']) s;
        INSERT INTO run_done (id, lane_id, shard_id, plan_digest, status, finished_at)
        SELECT 2000000 + i, l.id, l.shard_id, sha256('p'), 'succeeded',
            now() - (i % 4) * interval '1 day'
        FROM generate_series(1, 200000) i JOIN lane l ON l.id = 1 + i % 64;
        INSERT INTO run_events (lane_id, first_seq, n, bytes, stored_on)
        SELECT 1 + i % 64, 1 + i / 64, 1, 'event', current_date - 3 + i / 66000
        FROM generate_series(0, 199999) i
        """

    /// Stands for the lanes' shards, which EXECUTE cannot ask for.
    private static let shards = "SHARDS"
    /// Stands for what wrote the queued runs.
    private static let version = "VERSION"

    /// A statement with values that a node would send.
    struct Asked {
        var statement: PostgresStatement
        var values: [String]
        /// Indexes it goes by.
        var indexes: [String]
        /// Whether it is a question that is planned for its very values, see ``Store/bounded``.
        var isQuestion = false
    }

    static func array(_ values: some Sequence<Int>) -> String {
        "ARRAY[\(values.map(String.init).joined(separator: ","))]"
    }
    /// Without parameters SQL wants no parentheses.
    private static func list(_ values: String) -> String { values.isEmpty ? "" : "(\(values))" }
    private static let lows = "array_fill(-9223372036854775808, ARRAY[64])"
    private static func texts(_ text: String, _ count: Int) -> String {
        "array_fill('\(text)'::text, ARRAY[\(count)])"
    }

    /// The statements that a busy or an idle node sends, for all lanes, or for 64 runs. What functions of
    /// the database do inside shows in the pages that they read.
    private static let asked: [Asked] = {
        let runs = Self.array(1...64)
        let ones = "array_fill(1, ARRAY[64])"
        let shards = Self.shards
        let fences = ["1", shards, ones, runs, ones]
        let none = "array_fill(NULL::text, ARRAY[64])"
        let versions = Self.texts(Self.version, 64)
        return [
            Asked(
                statement: WriterSQL.fence,
                values: ["1", shards, ones],
                indexes: ["shard_pkey"]
            ),
            Asked(
                statement: ClaimSQL.claim,
                values: fences.dropLast() + [
                    "array_fill(8, ARRAY[64])", "ARRAY[]::bigint[]", Self.lows, Self.lows,
                    Self.texts("", 64),
                ],
                indexes: ["run_ready"]
            ),
            Asked(
                statement: ClaimSQL.claim,
                values: [
                    "1", shards, ones, Self.array(65...128), "array_fill(8, ARRAY[64])",
                    "ARRAY[]::bigint[]", Self.lows, Self.lows, Self.texts("k7", 64),
                ],
                indexes: ["run_keyed"]
            ),
            Asked(
                statement: ClaimSQL.next,
                values: [runs, "array_fill(8, ARRAY[64])", Self.lows, Self.lows],
                indexes: ["run_ready"]
            ),
            Asked(
                statement: ClaimSQL.next,
                values: [
                    Self.array(65...128), "array_fill(8, ARRAY[64])", Self.lows, Self.lows,
                ],
                indexes: ["run_keyed"]
            ),
            Asked(
                statement: ClaimSQL.take,
                values: [
                    "1", shards, ones, Self.array(641...704), ones, versions, ones, ones, ones,
                    "false", "false",
                ],
                indexes: ["run_pkey"]
            ),
            Asked(
                statement: WriterSQL.journal,
                values: fences + [
                    Self.texts("c", 64), ones, Self.texts("succeeded", 64), Self.texts("{}", 64),
                    ones, ones, "true",
                ],
                indexes: ["run_pkey"]
            ),
            Asked(
                statement: WriterSQL.runs,
                values: fences + [
                    Self.texts("running", 64), "array_fill(0, ARRAY[64])", none, none, none, ones,
                    ones, "array_fill(-1::bigint, ARRAY[64])", "true",
                ],
                indexes: ["run_pkey"]
            ),
            Asked(
                statement: WriterSQL.ends,
                values: fences + [
                    Self.texts("succeeded", 64), "array_fill(0, ARRAY[64])", none, none, none,
                    ones, ones, none, "array_fill(true, ARRAY[64])", none,
                    "array_fill(NULL::bigint, ARRAY[64])", "true", "false",
                ],
                indexes: ["run_pkey", "step_journal_pkey"]
            ),
            Asked(
                statement: WriterSQL.ends,
                values: ["1", shards, ones, Self.array(641...704), ones] + [
                    Self.texts("succeeded", 64), "array_fill(0, ARRAY[64])", none, none, none,
                    ones, ones, Self.texts("[]", 64), "array_fill(false, ARRAY[64])", versions,
                    ones, "false", "false",
                ],
                indexes: ["run_pkey"]
            ),
            Asked(
                statement: WriterSQL.events,
                values: [
                    "1", shards, ones, runs, "array_fill(9000, ARRAY[64])", ones,
                    "array_fill('x'::bytea, ARRAY[64])", "array_fill(20000, ARRAY[64])",
                ],
                indexes: []
            ),
            Asked(
                statement: RunsSQL.enqueue,
                values: [
                    runs, "array_fill(sha256('p'), ARRAY[64])", "array_fill(0, ARRAY[64])",
                    Self.texts("{}", 64), "array_fill(0, ARRAY[64])",
                    "array_fill('k'::text, ARRAY[64])", "array_fill(NULL::bigint, ARRAY[64])",
                    "array_fill(0, ARRAY[64])", Self.texts("", 64),
                ],
                indexes: []
            ),
            Asked(
                statement: RunsSQL.readyLanes,
                values: ["1", Self.array(65...96)],
                indexes: ["run_ready", "run_keyed"]
            ),
            Asked(
                statement: RunListSQL.frontWait,
                values: [],
                indexes: ["run_ready", "run_keyed"]
            ),
            Asked(
                statement: DueSQL.glance,
                values: [],
                indexes: ["run_ready", "run_keyed", "run_due", "run_request", "run_pause"]
            ),
            Asked(
                statement: DueSQL.glanceAtAsked,
                values: [],
                indexes: ["run_due", "run_request", "run_pause"]
            ),
            Asked(
                statement: FrontsSQL.fronts,
                values: [
                    runs, "array_fill(9223372036854775807, ARRAY[64])",
                    "array_fill(9223372036854775807, ARRAY[64])", "8",
                ],
                indexes: ["run_ready"]
            ),
            Asked(statement: DueSQL.pass, values: ["1", "100"], indexes: ["run_due"]),
            Asked(statement: DeadlinesSQL.next, values: [], indexes: []),
            Asked(
                statement: DeadlinesSQL.begun,
                values: ["1000"],
                indexes: ["run_live", "run_deadline"]
            ),
            Asked(
                statement: DeadlinesSQL.leftOver,
                values: ["100000", "1000"],
                indexes: ["run_deadline_open", "run_pkey"]
            ),
            Asked(statement: DeadlinesSQL.pass, values: ["100", "1000"], indexes: ["run_pkey"]),
            Asked(statement: LimitsSQL.wait, values: ["1", "ARRAY['k']", "ARRAY[1]"], indexes: []),
            Asked(
                statement: LimitsSQL.claim,
                values: [
                    "1", "(\(Self.shards)::integer[])[70]", "1", "70", "8", "'k7'",
                    "ARRAY[]::text[]", "ARRAY[]::bigint[]",
                ],
                indexes: []
            ),
            Asked(
                statement: UniqueSQL.start,
                values: [
                    "NULL", "NULL", "NULL", "1", "sha256('p')", "0", "'{}'", "0", "NULL", "NULL",
                    "'u'", "'lane'", "NULL", "'reject'", "NULL", "''", "NULL", "NULL", "NULL",
                ],
                indexes: []
            ),
            Asked(
                statement: ExternalClaimsSQL.hand,
                values: ["100", "1", "1", "'w'", "30000"],
                indexes: []
            ),
            Asked(
                statement: RunsSQL.children,
                values: ["100"],
                indexes: ["run_children", "_parent_run_idx"]
            ),
            Asked(statement: RunEndsSQL.ended, values: [runs], indexes: ["run_pkey"]),
            Asked(statement: RequestsSQL.underWay, values: ["1"], indexes: ["run_live"]),
            Asked(
                statement: RequestsSQL.queued,
                values: ["1", "0", "0", "1000"],
                indexes: ["run_request"]
            ),
            Asked(
                statement: SessionsSQL.cancelRuns,
                values: ["'s'", "5000", "200"],
                indexes: ["run_pkey"]
            ),
            Asked(statement: PauseSQL.pauses, values: ["1"], indexes: ["run_pause"]),
            Asked(
                statement: RunsSQL.recover,
                values: ["ARRAY[1,2,3,4]"],
                indexes: ["run_live"]
            ),
            Asked(
                statement: RunsSQL.get,
                values: ["500000"],
                indexes: ["run_pkey", "_id_idx"]
            ),
            Asked(statement: RunsSQL.byKey, values: ["1", "'k'"], indexes: ["run_key_pkey"]),
            Asked(
                statement: RunsSQL.requestCancel,
                values: ["700000", "'no'"],
                indexes: ["run_pkey"]
            ),
            Asked(
                statement: JournalSQL.read,
                values: ["100"],
                indexes: ["step_journal_pkey", "_id_idx"]
            ),
            Asked(
                statement: LanesSQL.load,
                values: ["ARRAY[1,2,3]"],
                indexes: ["_pkey"]
            ),
            Asked(
                statement: EventsSQL.read,
                values: ["1", "900", "50"],
                indexes: ["_pkey"]
            ),
        ] + Self.boards
    }()

    /// Pages that a statement may touch: some for each of 64 runs or lanes and 14 days, or of the 512
    /// runs of a claim, where all of `run` has 25,000.
    private static let pagesMax = 16_000

    @Test(
        "what was planned while nothing was there reads a few pages of a million runs, by its index"
    )
    func million() async throws {
        try await StoreBed.with { bed in
            // A million rows in one statement take their time beside other work.
            var configuration = bed.configuration
            configuration.statementTimeout = .seconds(240)
            let connection = try await PostgresConnection.connect(configuration, logger: logger)
            for statement in Self.bare.split(separator: ";") {
                try await connection.script(String(statement))
            }
            try await connection.script("SET plan_cache_mode = force_generic_plan")
            for (number, asked) in Self.asked.enumerated() {
                let types = asked.statement.parameters.map { "\($0.rawValue)" }
                let names = try await connection.query(
                    "SELECT array_to_string('{\(types.joined(separator: ","))}'::oid[]::regtype[], ', ')"
                )
                try await connection.script(
                    "PREPARE asked\(number) \(Self.list(names.columnText(0, 0) ?? "")) AS \(asked.statement.sql)"
                )
                // Planned now, for good.
                let nulls = types.map { _ in "NULL" }.joined(separator: ", ")
                _ = try await connection.query("EXPLAIN EXECUTE asked\(number)\(Self.list(nulls))")
            }
            for statement in Self.full.split(separator: ";") {
                try await connection.script(String(statement))
            }
            let shards = try await connection.query(
                "SELECT array_agg(shard_id ORDER BY id)::text FROM lane"
            )
            let literal = "'\(shards.columnText(0, 0) ?? "")'"
            let rows = try await connection.query("SELECT xmin::text FROM run WHERE id = 641")
            let version = try #require(rows.columnText(0, 0))
            for (number, var asked) in Self.asked.enumerated() {
                asked.values = asked.values.map {
                    $0.replacing(Self.shards, with: literal).replacing(Self.version, with: version)
                }
                do {
                    try await self.check(asked, number, connection)
                } catch {
                    Issue.record("\(asked.statement.name): \(error)")
                    throw error
                }
            }
            await connection.close()
        }
    }

    private func check(
        _ asked: Asked,
        _ number: Int,
        _ connection: PostgresConnection
    ) async throws {
        let name = asked.statement.name
        try await connection.script("BEGIN")
        if asked.isQuestion {
            try await connection.script(
                "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL random_page_cost = 1.1"
            )
        }
        let rows = try await connection.query(
            """
            EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF)
            EXECUTE asked\(number)\(Self.list(asked.values.joined(separator: ", ")))
            """
        )
        try await connection.script("ROLLBACK")
        let plan = (0..<rows.count).compactMap { rows.columnText($0, 0) }.joined(separator: "\n")
        for line in plan.split(separator: "\n") {
            let isWhole =
                /Seq Scan on (run|run_done|run_events|run_deadline|step_journal|run_key|shard)\b/
            #expect(line.firstMatch(of: isWhole) == nil, "\(name) reads all:\n\(plan)")
        }
        for index in asked.indexes {
            #expect(plan.contains(index), "\(name) goes by another index than \(index):\n\(plan)")
        }
        // The first node has those of all others.
        let pages = plan.firstMatch(of: /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/)
        let count = [pages?.1, pages?.2].compactMap { $0.flatMap { $0 } }.compactMap { Int($0) }
        #expect(count.reduce(0, +) < Self.pagesMax, "\(name) reads too much:\n\(plan)")
    }
}
