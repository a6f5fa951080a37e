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
            \(isActive ? "a.step, \(ms("a.asked_at"))" : "NULL, NULL"), r.claim_no
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

    /// The `$2` that ended last of each lane's newest `$3` that have ended, the last first. Those are
    /// found by their numbers: an index of ends would have an entry more for every run there is.
    static let recent = PostgresStatement(
        "board.recent",
        [.int8Array, .int8, .int8],
        card(
            of: """
                \(lanes) CROSS JOIN LATERAL (
                    SELECT q.* FROM (
                        SELECT d.* FROM run_done d WHERE d.lane_id = l.id
                        ORDER BY d.id DESC LIMIT $3) q
                    ORDER BY q.finished_at DESC, q.id DESC LIMIT $2) r
                """,
            place: "r.finished_at DESC, r.id DESC"
        )
    )

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

    /// How many runs of a session wait for people, counted up to `$2` among the `$3` oldest questions.
    static let waiting = PostgresStatement(
        "board.waiting",
        [.int8, .int8, .int8],
        """
        SELECT count(*) FROM (
            SELECT DISTINCT r.id FROM (
                SELECT a.run_id, a.run_attempt FROM approval a WHERE a.decided_at IS NULL
                AND (a.expires_at IS NULL OR a.expires_at > clock_timestamp())
                ORDER BY a.asked_at, a.run_id LIMIT $3) w
            JOIN run r ON r.id = w.run_id AND r.attempt = w.run_attempt
                AND r.status IN ('claimed', 'running', 'waiting')
            JOIN lane l ON l.id = r.lane_id AND l.session_id = $1
            LIMIT $2) q
        """
    )
}
