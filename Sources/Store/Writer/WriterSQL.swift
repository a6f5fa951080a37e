// The SQL of every fenced write: one statement per table and batch, fed by arrays.

internal import Postgres

enum WriterSQL {
    static let all = [
        fence, journal, runs, ends, events, artifacts, refused, hold, isStored, ClaimSQL.claim,
        ClaimSQL.next, ClaimSQL.take, notify, bound,
    ]

    /// Locks the shards of a batch so that none changes its owner before the commit; FOR SHARE in
    /// ascending order, as everywhere, so no two batches can wait on each other in a circle. The
    /// statements after it ask for the same rows, so a stale shard's rows fall out by themselves.
    static let fence = PostgresStatement(
        "writer.fence",
        [.int8, .int4Array, .int8Array],
        """
        SELECT held.shard_id FROM (
            SELECT * FROM unnest($2, $3) AS u (shard_id, generation) ORDER BY u.shard_id) i
        CROSS JOIN LATERAL (
            SELECT s.shard_id FROM shard s WHERE s.shard_id = i.shard_id
            AND s.owner = $1 AND s.generation = i.generation FOR SHARE) held
        """
    )

    /// Whether `i`'s shard is still held. A question for each row, by the primary key, and no join:
    /// statistics taken while no node had shards say that none has one, and a join planned by them
    /// reads all shards for each row, or all rows for each shard. Then the queue was eight times as
    /// slow until the next ANALYZE.
    static let isHeld = """
        (SELECT s.owner = $1 AND s.generation = i.generation FROM shard s
            WHERE s.shard_id = i.shard_id)
        """

    /// Whether `i`'s run is under way under `i`'s claim; a question for each row, too. Whenever nothing
    /// is under way the planner believes that nothing ever is, and joins all runs with all rows. Where
    /// `isStrict` one that is not undoes the commit.
    private static func isClaimed(_ isStrict: String) -> String {
        """
        CASE WHEN \(isHeld) IS NOT TRUE THEN false
            WHEN (SELECT r.claim_no FROM run r WHERE r.id = i.run_id) = i.claim_no THEN true
            WHEN \(isStrict) THEN write_refused(i.run_id, i.claim_no, false) ELSE false END
        """
    }

    /// The first result of an attempt stands; the same write sent again, after a lost
    /// acknowledgement, finds itself and counts as written. What has no attempt (0) is a note of how
    /// the step stands, and the last one counts; like a row put aside it begins anew. `begun_us` and
    /// `ended_us` are how long ago the attempt began and ended, in microseconds.
    static let journal = PostgresStatement(
        "writer.journal",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .textArray, .int4Array,
            .textArray, .textArray, .int8Array, .int8Array, .bool,
        ],
        """
        INSERT INTO step_journal AS j
            (run_id, step, attempt, claim_no, state, record, begun_at, ended_at)
        SELECT i.run_id, i.step, i.attempt, i.claim_no, i.state, i.record,
               clock_timestamp() - i.begun_us * interval '1 us',
               CASE WHEN i.state <> 'intent'
                   THEN clock_timestamp() - i.ended_us * interval '1 us' END
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            AS i (shard_id, generation, run_id, claim_no, step, attempt, state, record, begun_us,
                  ended_us)
        WHERE \(isClaimed("$12"))
        ON CONFLICT (run_id, step, attempt) DO UPDATE SET
            state = EXCLUDED.state, record = EXCLUDED.record, claim_no = EXCLUDED.claim_no,
            begun_at = CASE WHEN j.superseded OR j.attempt = 0
                THEN EXCLUDED.begun_at ELSE j.begun_at END,
            ended_at = EXCLUDED.ended_at, superseded = false
        WHERE j.state = 'intent' OR j.state = 'unknown' OR j.superseded OR j.attempt = 0
            OR j.state = EXCLUDED.state AND j.claim_no = EXCLUDED.claim_no
        RETURNING run_id, step, attempt, claim_no
        """
    )

    /// Moves runs on that do not end. `retry_ms` is how long until a run's next attempt, NULL when it
    /// waits for none, below zero when that stays as it is. What goes back into the queue comes to its
    /// turn at `retry_at`, where there is one, and so it does when this is sent again. The rows are
    /// named by their ids too, so that however few runs there were when this was planned, no others
    /// are read.
    static let runs = PostgresStatement(
        "writer.runs",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .textArray, .int4Array,
            .textArray, .textArray, .textArray, .int8Array, .int8Array, .int8Array, .bool,
        ],
        """
        WITH held AS MATERIALIZED (
            SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                AS i (shard_id, generation, run_id, claim_no, status, retry_count, failure,
                      wait_reason, outputs, first_seq, last_seq, retry_ms)
            WHERE \(isHeld)),
        moved AS (UPDATE run r SET
            status = i.status, retry_count = i.retry_count, failure = i.failure,
            wait_reason = i.wait_reason, outputs = i.outputs,
            waiting_at = CASE WHEN i.status = 'waiting' AND (
                r.status <> 'waiting' OR r.wait_reason IS DISTINCT FROM i.wait_reason)
                THEN clock_timestamp() ELSE r.waiting_at END,
            retry_at = CASE WHEN i.status = 'queued' THEN NULL WHEN i.retry_ms < 0 THEN r.retry_at
                ELSE clock_timestamp() + i.retry_ms * interval '1 ms' END,
            is_delayed = r.is_delayed
                OR (i.status = 'queued' AND r.retry_at > clock_timestamp()) IS TRUE,
            due_at = CASE WHEN i.status = 'queued' THEN coalesce(r.retry_at, r.due_at)
                ELSE r.due_at END,
            rank = CASE WHEN i.status = 'queued' AND r.retry_at IS NOT NULL
                THEN run_rank(r.retry_at, r.priority,
                    (SELECT l.ageing_ms FROM lane l WHERE l.id = r.lane_id))
                ELSE r.rank END,
            first_seq = coalesce(r.first_seq, i.first_seq), last_seq = i.last_seq,
            started_at = coalesce(r.started_at, now())
        FROM held i WHERE r.id = ANY ($4) AND r.id = i.run_id AND r.claim_no = i.claim_no
        RETURNING r.id, r.claim_no)
        SELECT id, claim_no FROM moved
        UNION ALL
        SELECT i.run_id, i.claim_no FROM held i
        WHERE CASE WHEN (i.run_id, i.claim_no) IN (SELECT m.id, m.claim_no FROM moved m) THEN false
            WHEN $14 THEN write_refused(i.run_id, i.claim_no, false) ELSE false END
        """
    )

    /// Ends runs: each goes from `run` to `run_done` with its journal, so somebody who wants
    /// something of it at the same moment finds no run under way. `steps` is what travels with the
    /// end and was never in `step_journal`; of a run that `is_journaled` the rows there are folded
    /// into it, unless they are large: those stay until the run's day is dropped. A run that ended
    /// like this under this claim was ended by this very write before its acknowledgement was lost.
    /// Nothing is joined with `run`, see `isClaimed`, and only what is missing is looked for elsewhere.
    /// A run that names a `version` was read and never claimed: it goes as ``ClaimSQL/take`` would take
    /// it, straight from the queue to its end; whether it has ended so is asked where this is sent again
    /// (`$18`).
    static let ends = PostgresStatement(
        "writer.ends",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .textArray, .int4Array,
            .textArray, .textArray, .textArray, .int8Array, .int8Array, .textArray, .boolArray,
            .textArray, .int8Array, .bool, .bool,
        ],
        """
        WITH ending AS MATERIALIZED (
            SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
                AS i (shard_id, generation, run_id, claim_no, status, retry_count, failure,
                      wait_reason, outputs, first_seq, last_seq, steps, is_journaled, version,
                      age_us)),
        held AS MATERIALIZED (
            SELECT i.run_id, i.claim_no, i.version FROM ending i WHERE \(isHeld)),
        free AS MATERIALIZED (\(ClaimSQL.free)),
        gone AS (
            DELETE FROM run r WHERE r.id = ANY (ARRAY(SELECT h.run_id FROM held h))
            AND CASE WHEN r.id IN (SELECT free.id FROM free) THEN true
                ELSE ((r.id, r.claim_no) IN (
                    SELECT h.run_id, h.claim_no FROM held h WHERE h.version IS NULL)) IS TRUE END
            RETURNING r.*),
        \(UniqueSQL.freed("gone")),
        small AS (
            SELECT j.run_id FROM step_journal j
            WHERE j.run_id = ANY (ARRAY(
                SELECT g.id FROM gone g
                JOIN ending i ON i.run_id = g.id AND i.claim_no = g.claim_no
                WHERE i.is_journaled))
            GROUP BY j.run_id HAVING sum(octet_length(j.record)) <= 1048576),
        folded AS (
            DELETE FROM step_journal j WHERE j.run_id = ANY (ARRAY(SELECT run_id FROM small))
            RETURNING j.run_id, \(JournalSQL.folded) AS steps),
        joined AS (
            SELECT f.run_id, '[' || string_agg(f.steps, ',') || ']' AS steps FROM folded f
            GROUP BY f.run_id),
        moved AS (
            \(move)
            FROM gone e JOIN ending i ON i.run_id = e.id AND i.claim_no = e.claim_no
                + (i.version IS NOT NULL)::int
            LEFT JOIN joined f ON f.run_id = e.id
            RETURNING id, claim_no)
        SELECT id, claim_no FROM moved
        UNION ALL
        SELECT i.run_id, i.claim_no FROM ending i
        WHERE CASE WHEN (i.run_id, i.claim_no) IN (SELECT m.id, m.claim_no FROM moved m) THEN false
            WHEN (i.version IS NULL OR $18) AND run_ended(i.run_id, i.claim_no, i.status) THEN true
            WHEN $17 AND \(isHeld) THEN write_refused(i.run_id, i.claim_no, true) ELSE false END
        """
    )
    private static let move = RunColumns.move(
        "e",
        to: "run_done",
        setting: [
            "status": "i.status", "retry_count": "i.retry_count", "failure": "i.failure",
            "wait_reason": "i.wait_reason", "outputs": "i.outputs",
            "first_seq": "coalesce(e.first_seq, i.first_seq)", "last_seq": "i.last_seq",
            "started_at":
                "coalesce(e.started_at, now() - i.age_us * interval '1 us', now())",
            "request": "NULL",
            "claim_no": "i.claim_no",
            "owner": "CASE WHEN i.version IS NULL THEN e.owner ELSE $1 END",
            "paused_by": "NULL", "retry_at": "NULL", "finished_at": "now()",
            "steps": "coalesce(f.steps, i.steps)",
        ]
    )

    /// One chunk per lane, on the day that its writer took it (days since 1970). A chunk that is there
    /// already with the same bytes is this one.
    static let events = PostgresStatement(
        "writer.events",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .int4Array, .byteaArray,
            .int4Array,
        ],
        """
        INSERT INTO run_events AS e (lane_id, first_seq, n, bytes, stored_on)
        SELECT i.lane_id, i.first_seq, i.n, i.bytes, DATE '1970-01-01' + i.day
        FROM unnest($2, $3, $4, $5, $6, $7, $8)
            AS i (shard_id, generation, lane_id, first_seq, n, bytes, day)
        WHERE \(isHeld)
        ON CONFLICT (lane_id, first_seq, stored_on) DO UPDATE SET n = EXCLUDED.n
        WHERE e.bytes = EXCLUDED.bytes
        RETURNING lane_id
        """
    )

    static let artifacts = PostgresStatement(
        "writer.artifacts",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .textArray, .textArray,
            .byteaArray, .int8Array, .textArray, .byteaArray, .bool,
        ],
        """
        INSERT INTO artifact AS a (run_id, step, name, digest, size, media_type, content, node)
        SELECT i.run_id, i.step, i.name, i.digest, i.size, i.media_type, i.content,
            CASE WHEN i.content IS NULL
                THEN (SELECT n.name FROM node n WHERE n.node_epoch = $1) END
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            AS i (shard_id, generation, run_id, claim_no, step, name, digest, size, media_type,
                  content)
        WHERE \(isClaimed("$12"))
        ON CONFLICT (run_id, step, name) DO UPDATE SET
            digest = EXCLUDED.digest, size = EXCLUDED.size, media_type = EXCLUDED.media_type,
            content = EXCLUDED.content, node = EXCLUDED.node, created_at = now()
        RETURNING run_id, (SELECT r.claim_no FROM run r WHERE r.id = run_id)
        """
    )

    /// Which of some claims are not their runs' any more, nor those under which they ended, nor can
    /// be stored by the version of the row that was read.
    static let refused = PostgresStatement(
        "store.refused_claims",
        [.int8Array, .int8Array, .textArray],
        """
        SELECT i.run_id, i.claim_no FROM unnest($1, $2, $3) AS i (run_id, claim_no, version)
        WHERE (SELECT a.id FROM run_any a WHERE a.id = i.run_id AND a.claim_no = i.claim_no LIMIT 1)
            IS NULL
        AND (i.version IS NULL OR (SELECT r.id FROM run r
            WHERE r.id = i.run_id AND r.xmin = i.version::xid FOR UPDATE SKIP LOCKED) IS NULL)
        """
    )

    /// Waits for what a lost connection may have left under way about a shard.
    static let hold = PostgresStatement(
        "store.hold_shard",
        [.int4],
        "SELECT s.shard_id FROM shard s WHERE s.shard_id = $1 FOR UPDATE"
    )

    /// Whether a chunk is stored.
    static let isStored = PostgresStatement(
        "store.is_stored",
        [.int8, .int8, .int4],
        """
        SELECT EXISTS (SELECT FROM run_events e WHERE e.lane_id = $1 AND e.first_seq = $2
            AND e.stored_on = DATE '1970-01-01' + $3)
        """
    )

    /// Bounds the rest of a transaction, and has it planned for its values instead of for any, and
    /// for rows that are in memory: else the newest runs of a lane are found by reading all of them.
    static let bound = PostgresStatement(
        "store.bound",
        [.text],
        """
        SELECT set_config('statement_timeout', $1, true),
               set_config('plan_cache_mode', 'force_custom_plan', true),
               set_config('random_page_cost', '1.1', true)
        """
    )

    static let notify = PostgresStatement(
        "writer.notify",
        [.text, .text],
        "SELECT pg_notify($1, $2)"
    )
}
