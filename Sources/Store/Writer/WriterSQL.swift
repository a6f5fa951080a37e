// The SQL of every fenced write: one statement per table and batch, fed by arrays.

internal import Postgres

enum WriterSQL {
    static let all = [fence, journal, runs, events, artifacts, claim, notify, bound]

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
    private static let isHeld = """
        (SELECT s.owner = $1 AND s.generation = i.generation FROM shard s
            WHERE s.shard_id = i.shard_id)
        """

    /// The first result of an attempt stands; the same write sent again, after a lost
    /// acknowledgement, finds itself and counts as written. What has no attempt (0) is a note of how
    /// the step stands, and the last one counts; like a row put aside it begins anew.
    static let journal = PostgresStatement(
        "writer.journal",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .textArray, .int4Array,
            .textArray, .textArray,
        ],
        """
        INSERT INTO step_journal AS j
            (run_id, step, attempt, claim_no, state, record, begun_at, ended_at)
        SELECT i.run_id, i.step, i.attempt, i.claim_no, i.state, i.record, clock_timestamp(),
               CASE WHEN i.state <> 'intent' THEN clock_timestamp() END
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9)
            AS i (shard_id, generation, run_id, claim_no, step, attempt, state, record)
        JOIN run r ON r.id = i.run_id AND r.claim_no = i.claim_no
        WHERE \(isHeld)
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

    /// Moves runs on. A run that has this status already was moved by this very write before its
    /// acknowledgement was lost.
    static let runs = PostgresStatement(
        "writer.runs",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .textArray, .int4Array,
            .textArray, .textArray, .textArray, .int8Array, .int8Array,
        ],
        """
        UPDATE run r SET
            status = i.status, retry_count = i.retry_count, failure = i.failure,
            wait_reason = i.wait_reason, outputs = i.outputs,
            waiting_at = CASE WHEN i.status = 'waiting' AND (
                r.status <> 'waiting' OR r.wait_reason IS DISTINCT FROM i.wait_reason)
                THEN clock_timestamp() ELSE r.waiting_at END,
            first_seq = coalesce(r.first_seq, i.first_seq), last_seq = i.last_seq,
            started_at = coalesce(r.started_at, now()),
            request = CASE WHEN i.status IN ('succeeded', 'failed', 'cancelled', 'timed_out')
                THEN NULL ELSE r.request END,
            paused_by = CASE WHEN i.status IN ('succeeded', 'failed', 'cancelled', 'timed_out')
                THEN NULL ELSE r.paused_by END,
            finished_at = CASE WHEN i.status IN ('succeeded', 'failed', 'cancelled', 'timed_out')
                THEN now() END
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            AS i (shard_id, generation, run_id, claim_no, status, retry_count, failure,
                  wait_reason, outputs, first_seq, last_seq)
        WHERE r.id = i.run_id AND r.claim_no = i.claim_no AND \(isHeld)
        AND (r.status IN ('queued', 'claimed', 'running', 'waiting') OR r.status = i.status)
        RETURNING r.id, r.claim_no
        """
    )

    /// One chunk per lane. A chunk that is there already with the same bytes is this one.
    static let events = PostgresStatement(
        "writer.events",
        [.int8, .int4Array, .int8Array, .int8Array, .int8Array, .int4Array, .byteaArray],
        """
        INSERT INTO run_events AS e (lane_id, first_seq, n, bytes)
        SELECT i.lane_id, i.first_seq, i.n, i.bytes
        FROM unnest($2, $3, $4, $5, $6, $7)
            AS i (shard_id, generation, lane_id, first_seq, n, bytes)
        WHERE \(isHeld)
        ON CONFLICT (lane_id, first_seq) DO UPDATE SET n = EXCLUDED.n
        WHERE e.bytes = EXCLUDED.bytes
        RETURNING lane_id
        """
    )

    static let artifacts = PostgresStatement(
        "writer.artifacts",
        [
            .int8, .int4Array, .int8Array, .int8Array, .int8Array, .textArray, .textArray,
            .byteaArray, .int8Array, .textArray, .byteaArray,
        ],
        """
        INSERT INTO artifact AS a (run_id, step, name, digest, size, media_type, content, node)
        SELECT i.run_id, i.step, i.name, i.digest, i.size, i.media_type, i.content,
            CASE WHEN i.content IS NULL
                THEN (SELECT n.name FROM node n WHERE n.node_epoch = $1) END
        FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            AS i (shard_id, generation, run_id, claim_no, step, name, digest, size, media_type,
                  content)
        JOIN run r ON r.id = i.run_id AND r.claim_no = i.claim_no
        WHERE \(isHeld)
        ON CONFLICT (run_id, step, name) DO UPDATE SET
            digest = EXCLUDED.digest, size = EXCLUDED.size, media_type = EXCLUDED.media_type,
            content = EXCLUDED.content, node = EXCLUDED.node, created_at = now()
        RETURNING run_id, (SELECT r.claim_no FROM run r WHERE r.id = run_id)
        """
    )

    /// Takes the next runs of each lane, as many as it has room for, in its order, paused ones left
    /// out; runs named in
    /// `$6` are taken over whatever their state, with a new claim number.
    /// SKIP LOCKED: a run that somebody cancels at this moment is taken next time.
    static let claim = PostgresStatement(
        "writer.claim",
        [.int8, .int4Array, .int8Array, .int8Array, .int8Array, .int8Array],
        """
        WITH want AS (
            SELECT i.lane_id, i.room FROM unnest($2, $3, $4, $5)
                AS i (shard_id, generation, lane_id, room)
            WHERE \(isHeld)),
        next AS (
            SELECT q.id FROM want CROSS JOIN LATERAL (
                SELECT r.id FROM run r
                WHERE r.lane_id = want.lane_id AND r.status = 'queued' AND r.paused_by IS NULL
                AND r.due_at <= now()
                ORDER BY r.priority DESC, r.id LIMIT want.room FOR UPDATE SKIP LOCKED) q
            WHERE cardinality($6) = 0
            UNION ALL
            SELECT q.id FROM want CROSS JOIN LATERAL (
                SELECT r.id FROM run r
                WHERE r.lane_id = want.lane_id AND r.id = ANY ($6)
                AND r.status IN ('claimed', 'running', 'waiting') FOR UPDATE) q
            WHERE cardinality($6) > 0)
        UPDATE run r SET status = 'claimed', claim_no = r.claim_no + 1, owner = $1,
            started_at = coalesce(r.started_at, now())
        FROM next WHERE r.id = next.id
        RETURNING r.id, r.lane_id, r.plan_digest, r.inputs, r.attempt, r.retry_count, r.claim_no,
            r.depth, r.priority, r.request_reason, r.request, r.first_seq,
            (extract(epoch FROM now() - r.started_at) * 1000)::bigint,
            r.claim_no > 1 AND EXISTS (SELECT 1 FROM step_journal j WHERE j.run_id = r.id),
            r.paused_by, r.pause_no
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
