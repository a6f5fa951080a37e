// The SQL of the board: what each lane of a session does, has done and will do next, bounded whatever it has.

internal import Postgres

enum BoardSQL {
    static let all = [counts, active, next, later, paused, recent, steps, kept, totals, waiting]

    /// A card as ``BoardCard`` reads it. `approval` is the first question that waits for people.
    private static func card(
        of source: String,
        place: String = "0",
        isActive: Bool = false
    ) -> String {
        """
        SELECT r.lane_id, r.id, r.plan_digest,
            (SELECT p.name FROM plan p WHERE p.digest = r.plan_digest), r.template, r.status, r.attempt, r.retry_count,
            r.priority, r.key, \(ms("r.enqueued_at")),
            CASE WHEN r.status = 'queued' AND r.is_delayed THEN \(ms("r.due_at"))
                WHEN r.status = 'waiting' THEN \(ms("r.retry_at")) END,
            \(ms("r.started_at")), \(ms("r.finished_at")), r.failure, r.wait_reason,
            \(ms("r.waiting_at")), r.paused_by, r.parent_run,
            (SELECT n.name FROM node n WHERE n.node_epoch = r.owner AND r.status <> 'queued'),
            \(isActive ? "a.step, \(ms("a.asked_at"))" : "NULL, NULL"), r.claim_no,
            \(ms(RunsSQL.readyAt("r")))
        FROM \(source)
        \(isActive ? question : "")
        ORDER BY r.lane_id, \(place)
        """
    }
    private static let question = """
        LEFT JOIN LATERAL (
            SELECT w.step, w.asked_at FROM approval w
            WHERE r.status = 'waiting' AND w.run_id = r.id AND w.run_attempt = r.attempt
            AND w.decided_at IS NULL
            AND (w.expires_at IS NULL OR w.expires_at > clock_timestamp())
            ORDER BY w.asked_at, w.step LIMIT 1) a ON true
        """
    private static func ms(_ time: String) -> String {
        "(extract(epoch FROM \(time)) * 1000)::bigint"
    }
    private static let lanes = "unnest($1) AS i (lane_id) JOIN lane l ON l.id = i.lane_id"

    /// What is under way in lane `l`, in the words of its index.
    private static let isUnderWay = """
        r.shard_id = l.shard_id AND r.lane_id = l.id AND r.status IN ('claimed', 'running', 'waiting')
        """
    private static let isPaused = """
        r.lane_id = l.id AND r.paused_by IS NOT NULL AND r.status = 'queued'
        """

    /// How many runs of each lane are under way, and how many are queued: ready with and without a key,
    /// for later, and paused. Each of both is counted up to `$2`.
    static let counts = PostgresStatement(
        "board.counts",
        [.int8Array, .int8],
        """
        SELECT l.id,
            (SELECT count(*) FROM (SELECT 1 FROM run r WHERE \(isUnderWay) LIMIT $2) c),
            (SELECT count(*) FROM (SELECT 1 FROM (\(queued)) q LIMIT $2) c)
        FROM \(lanes)
        """
    )
    private static let queued = [
        "r.lane_id = l.id AND \(RunsSQL.isReady("r"))",
        "r.lane_id = l.id AND \(RunsSQL.isReady("r", isKeyed: true))",
        "r.lane_id = l.id AND \(RunsSQL.isDelayed("r"))", isPaused,
    ].map { "SELECT 1 FROM run r WHERE \($0)" }.joined(separator: " UNION ALL ")

    /// At most `$2` runs under way of each lane: those that wait, then the oldest.
    static let active = PostgresStatement(
        "board.active",
        [.int8Array, .int8],
        card(
            of: """
                \(lanes) CROSS JOIN LATERAL (
                    SELECT r.* FROM run r WHERE \(isUnderWay)
                    ORDER BY r.status = 'waiting' DESC, r.id LIMIT $2) r
                """,
            place: "r.status = 'waiting' DESC, r.id",
            isActive: true
        )
    )

    /// At most `$2` ready runs of each lane, in the order in which they are claimed: by rank, and where
    /// they have keys in turns. Whose turn it is only the lane's owner knows: here the first key begins.
    static let next = PostgresStatement(
        "board.next",
        [.int8Array, .int8],
        card(
            of: """
                \(lanes) CROSS JOIN LATERAL (\(turns)) t
                CROSS JOIN LATERAL (SELECT q.* FROM run q WHERE q.id = t.id OFFSET 0) r
                """,
            place: "t.nth, t.turn"
        )
    )

    /// Of a lane with few keys each gives more than its share, because some have fewer.
    private static let turns = """
        WITH RECURSIVE up (key, turn) AS (
            SELECT \(key(after: "''")), 1::bigint
            UNION ALL
            SELECT \(key(after: "up.key")), up.turn + 1 FROM up
            WHERE up.key IS NOT NULL AND up.turn < $2),
        keys AS (
            SELECT up.key, up.turn FROM up WHERE up.key IS NOT NULL
            UNION ALL SELECT '' COLLATE "C", $2 + 1),
        share AS (SELECT least($2, ceil($2 * 4.0 / count(*)))::bigint AS runs FROM keys)
        SELECT taken.id, taken.nth, keys.turn FROM keys CROSS JOIN LATERAL (
            SELECT q.id, row_number() OVER (ORDER BY q.rank, q.id) AS nth FROM (
                (SELECT r.id, r.rank FROM run r
                 WHERE r.lane_id = l.id AND r.key = keys.key AND keys.key <> ''
                 AND \(RunsSQL.isReady("r", isKeyed: true))
                 ORDER BY r.rank, r.id LIMIT (SELECT share.runs FROM share))
                UNION ALL
                (SELECT r.id, r.rank FROM run r
                 WHERE keys.key = '' AND r.lane_id = l.id AND \(RunsSQL.isReady("r"))
                 ORDER BY r.rank, r.id LIMIT (SELECT share.runs FROM share))) q) taken
        ORDER BY taken.nth, keys.turn LIMIT $2
        """
    private static func key(after: String) -> String {
        """
        (SELECT k.key FROM run k WHERE k.lane_id = l.id AND k.key > \(after)
            AND \(RunsSQL.isReady("k", isKeyed: true)) ORDER BY k.key LIMIT 1)
        """
    }

    /// At most `$2` runs of each lane that are for later, the earliest first.
    static let later = PostgresStatement(
        "board.later",
        [.int8Array, .int8],
        card(
            of: """
                \(lanes) CROSS JOIN LATERAL (
                    SELECT r.* FROM run r WHERE r.lane_id = l.id AND \(RunsSQL.isDelayed("r"))
                    ORDER BY r.due_at LIMIT $2) r
                """,
            place: "r.due_at, r.id"
        )
    )

    /// At most `$2` queued runs of each lane that are paused, the oldest first.
    static let paused = PostgresStatement(
        "board.paused",
        [.int8Array, .int8],
        card(
            of: """
                \(lanes) CROSS JOIN LATERAL (
                    SELECT r.* FROM run r WHERE \(isPaused) ORDER BY r.id LIMIT $2) r
                """,
            place: "r.id"
        )
    )

    /// The `$2` that ended last of each lane, the last first: of its newest `$3`, and of all that ended
    /// lately, which is an hour, or a minute, where at most `$4` did of any lane. An index of ends would
    /// have an entry more for every run there is; that of times is read by hundreds of pages.
    static let recent = PostgresStatement(
        "board.recent",
        [.int8Array, .int8, .int8, .int8],
        """
        WITH span AS MATERIALIZED (
            SELECT CASE WHEN \(isFew(within: "1 hour")) THEN interval '1 hour'
                WHEN \(isFew(within: "1 minute")) THEN interval '1 minute' END AS length),
        late AS MATERIALIZED (
            SELECT n.* FROM (
                SELECT \(shown), row_number() OVER (
                    PARTITION BY d.lane_id ORDER BY d.finished_at DESC, d.id DESC) AS nth
                FROM run_done d
                WHERE d.finished_at > now() - (SELECT span.length FROM span)
                AND d.lane_id = ANY ($1)) n
            WHERE n.nth <= $2)
        """
            + "\n"
            + card(
                of: """
                    \(lanes) CROSS JOIN LATERAL (
                        SELECT q.* FROM (
                            SELECT DISTINCT ON (u.id) u.* FROM (
                                (SELECT \(shown) FROM run_done d WHERE d.lane_id = l.id
                                 ORDER BY d.id DESC LIMIT $3)
                                UNION ALL
                                SELECT \(shown) FROM late d WHERE d.lane_id = l.id) u
                            ORDER BY u.id) q
                        ORDER BY q.finished_at DESC, q.id DESC LIMIT $2) r
                    """,
                place: "r.finished_at DESC, r.id DESC"
            )
    )
    /// What ``card(of:place:isActive:)`` reads of a run.
    private static let shown = """
        d.lane_id, d.id, d.plan_digest, d.template, d.status, d.attempt, d.retry_count, d.priority, d.key,
        d.enqueued_at, d.is_delayed, d.due_at, d.retry_at, d.started_at, d.finished_at, d.failure,
        d.wait_reason, d.waiting_at, d.paused_by, d.parent_run, d.owner, d.claim_no, d.again_at
        """
    private static func isFew(within time: String) -> String {
        """
        (SELECT count(*) FROM (
            SELECT 1 FROM run_done d WHERE d.finished_at > now() - interval '\(time)' LIMIT $4 + 1) c) <= $4
        """
    }

    /// How many steps of runs under way are done, and the one that began last of those that are not; of
    /// each run its first `$2` rows are read.
    static let steps = PostgresStatement(
        "board.steps",
        [.int8Array, .int8],
        """
        SELECT i.run_id, count(DISTINCT j.step) FILTER (WHERE j.state IN ('succeeded', 'skipped')),
            (array_agg(j.step ORDER BY j.begun_at DESC) FILTER (WHERE j.state = 'intent'))[1]
        FROM unnest($1) AS i (run_id) CROSS JOIN LATERAL (
            SELECT s.* FROM step_journal s WHERE s.run_id = i.run_id LIMIT $2) j
        WHERE NOT j.superseded AND position('[' IN j.step) = 0 AND position('!' IN j.step) = 0
        GROUP BY i.run_id
        """
    )

    /// What runs that have ended keep of their journals, where it has at most `$2` bytes.
    static let kept = PostgresStatement(
        "board.kept",
        [.int8Array, .int8],
        """
        SELECT d.id, d.steps FROM run_done d
        WHERE d.id = ANY ($1) AND octet_length(d.steps) <= $2
        """
    )

    /// How many steps plans have. Postgres takes no JSON apart that has a \u0000 in it.
    static let totals = PostgresStatement(
        "board.totals",
        [.byteaArray],
        """
        SELECT p.digest,
            json_array_length(replace(p.body, '\\u0000', '\\ufffd')::json -> 'steps')::bigint
        FROM plan p WHERE p.digest = ANY ($1)
        """
    )

    /// How many runs of a session wait for people: for a decision, or for somebody who looks how a step
    /// ended. Of its first `$2` lanes `$3` runs under way are looked at; how many those were is told too.
    /// Their questions are found by the run: an index of all open ones would be read whole for each.
    static let waiting = PostgresStatement(
        "board.waiting",
        [.int8, .int8, .int8],
        """
        WITH under_way AS MATERIALIZED (
            SELECT r.id, r.attempt, r.status = 'waiting' AND r.retry_at IS NULL
                AND r.wait_reason LIKE 'step ''%'' was under way %' AS is_looked_for
            FROM (SELECT i.* FROM lane i WHERE i.session_id = $1 LIMIT $2) l
            CROSS JOIN LATERAL (SELECT r.* FROM run r WHERE \(isUnderWay) OFFSET 0) r
            LIMIT $3)
        SELECT count(*) FILTER (WHERE u.is_looked_for OR EXISTS (
                SELECT FROM (
                    SELECT q.* FROM approval q
                    WHERE q.run_id = u.id AND q.run_attempt = u.attempt OFFSET 0) a
                WHERE a.decided_at IS NULL AND (a.expires_at IS NULL OR a.expires_at > clock_timestamp()))),
            count(*)
        FROM under_way u
        """
    )
}
