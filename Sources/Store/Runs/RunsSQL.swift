// The SQL of the run table as clients use it; what owners write is in WriterSQL.

internal import Postgres
internal import PulserIR

enum RunsSQL {
    static let all = [
        enqueue, byKey, get, resolvePrefix, list, countByStatus, requestCancel, supersede, retry,
        recover, requested, readyLanes, children,
    ]

    static let columns = """
        r.id, r.lane_id, s.name, l.name, r.plan_digest, p.name, r.status, r.priority, r.inputs,
        r.attempt, r.retry_count, r.claim_no, r.depth, r.parent_run, r.outputs, r.failure,
        r.wait_reason, r.first_seq, r.last_seq,
        (extract(epoch FROM r.enqueued_at) * 1000)::bigint,
        (extract(epoch FROM r.started_at) * 1000)::bigint,
        (extract(epoch FROM r.finished_at) * 1000)::bigint,
        r.request, r.idempotency_key, r.paused_by, r.template
        FROM run r JOIN lane l ON l.id = r.lane_id JOIN session s ON s.id = l.session_id
        JOIN plan p ON p.digest = r.plan_digest
        """

    /// What has not ended, in the words of the three indexes that together hold it. An index of its
    /// own would have two more entries for every run.
    static func isOpen(_ run: String) -> String {
        """
        ((\(run).status = 'queued' AND \(run).paused_by IS NULL)
            OR \(run).status IN ('claimed', 'running', 'waiting') OR \(run).paused_by IS NOT NULL)
        """
    }

    /// Many runs at once, in the order given; those whose key is taken are left out. A lane that is
    /// closed or a plan that is unknown becomes a NULL that its column refuses, and with it all of
    /// the transaction. FOR SHARE: a session cannot be archived meanwhile; enqueues do not wait on
    /// each other, and an archive locks one row, so nobody waits in a circle.
    static let enqueue = PostgresStatement(
        "runs.enqueue",
        [
            .int8Array, .byteaArray, .int4Array, .textArray, .int8Array, .textArray, .int8Array,
            .int4Array,
        ],
        """
        WITH open AS MATERIALIZED (
            SELECT l.id, l.shard_id FROM lane l
            JOIN session s ON s.id = l.session_id AND s.status = 'active'
            WHERE l.id = ANY ($1) FOR SHARE OF s)
        INSERT INTO run (lane_id, shard_id, plan_digest, priority, inputs, due_at,
                         idempotency_key, parent_run, depth)
        SELECT i.lane_id, l.shard_id, p.digest, i.priority, i.inputs,
               now() + i.delay_ms * interval '1 ms', i.key, i.parent_run, i.depth
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY
            AS i (lane_id, plan_digest, priority, inputs, delay_ms, key, parent_run, depth, n)
        LEFT JOIN open l ON l.id = i.lane_id
        LEFT JOIN plan p ON p.digest = i.plan_digest
        ORDER BY i.n
        ON CONFLICT (lane_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id, idempotency_key
        """
    )

    static let byKey = PostgresStatement(
        "runs.by_key",
        [.int8, .text],
        "SELECT id FROM run WHERE lane_id = $1 AND idempotency_key = $2"
    )

    static let get = PostgresStatement(
        "runs.get",
        [.int8],
        "SELECT \(columns) WHERE r.id = $1"
    )

    /// The 40 bits that a run's letters write. Half by half, because the product of two 40-bit
    /// numbers overflows bigint; numeric took four times as long.
    static func scrambled(_ id: String) -> String {
        """
        ((((\(id) & 1048575) * \(RunID.multiplier))
            + (((((\(id) >> 20) * \(RunID.multiplier)) & 1048575)) << 20)) & 1099511627775)
        """
    }

    /// Ids whose eight letters start with a prefix, among the newest 200,000 runs.
    static let resolvePrefix = PostgresStatement(
        "runs.resolve_prefix",
        [.int8, .int8],
        """
        SELECT id FROM (SELECT id FROM run ORDER BY id DESC LIMIT 200000) recent
        WHERE \(scrambled("id")) BETWEEN $1 AND $2
        ORDER BY id DESC LIMIT 10
        """
    )

    /// The newest runs, filtered; an empty or null filter means any.
    static let list = PostgresStatement(
        "runs.list",
        [.textArray, .text, .text, .int8, .int8],
        """
        SELECT \(columns)
        WHERE (cardinality($1) = 0 OR r.status = ANY ($1))
        AND ($2 IS NULL OR s.name = $2) AND ($3 IS NULL OR l.name = $3)
        AND r.id < $4
        ORDER BY r.id DESC LIMIT $5
        """
    )

    static let countByStatus = PostgresStatement(
        "runs.count_by_status",
        [],
        "SELECT status, count(*) FROM run GROUP BY status"
    )

    /// Asks the owner to end a run. A queued run of a shard that nobody owns ends at once: there is
    /// no owner who could hear of it, and no log to write to.
    static let requestCancel = PostgresStatement(
        "runs.request_cancel",
        [.int8, .text],
        cancel("r.id = $1", reason: "$2") + " RETURNING run.status, run.lane_id"
    )

    /// Asks for the end of all runs that fit; locks them in the order of their ids, as everybody.
    static func cancel(_ condition: String, reason: String) -> String {
        """
        WITH target AS (
            SELECT r.id, r.status = 'queued' AND r.claim_no = 0 AND NOT EXISTS (
                SELECT 1 FROM shard s JOIN node n ON n.node_epoch = s.owner
                WHERE s.shard_id = r.shard_id AND n.lease_until > clock_timestamp()) AS at_once
            FROM run r WHERE \(condition)
            AND \(isOpen("r")) ORDER BY r.id FOR UPDATE OF r)
        UPDATE run SET
            status = CASE WHEN target.at_once THEN 'cancelled' ELSE run.status END,
            finished_at = CASE WHEN target.at_once THEN now() END,
            failure = CASE WHEN target.at_once THEN \(reason) ELSE run.failure END,
            request = CASE WHEN target.at_once THEN NULL ELSE 'cancel' END,
            paused_by = CASE WHEN target.at_once THEN NULL ELSE run.paused_by END,
            request_reason = \(reason)
        FROM target WHERE run.id = target.id
        """
    }

    /// Puts journal rows aside so that their steps run again: the steps named, their items and all
    /// rollbacks. FOR UPDATE: the run stays as it is until the next statement queues it, and a run
    /// that cannot be queued keeps its journal.
    static let supersede = PostgresStatement(
        "runs.supersede",
        [.int8, .textArray, .int8],
        """
        WITH target AS MATERIALIZED (
            SELECT id FROM run WHERE id = $1 AND claim_no = $3
            AND status IN ('waiting', 'failed', 'cancelled', 'timed_out', 'succeeded')
            FOR UPDATE)
        UPDATE step_journal j SET superseded = true
        FROM target WHERE j.run_id = target.id AND NOT j.superseded
        AND (j.step = ANY ($2) OR split_part(j.step, '[', 1) = ANY ($2)
            OR position('!' IN j.step) > 0)
        """
    )

    /// Queues an ended or waiting run again. The claim number rises, so whoever still holds the
    /// run finds its writes refused. Its time begins anew: one that timed out would only do so again.
    /// Whoever has it run again does not want it paused.
    static let retry = PostgresStatement(
        "runs.retry",
        [.int8, .int8, .text],
        """
        UPDATE run SET status = 'queued', attempt = attempt + 1, retry_count = 0,
            claim_no = claim_no + 1, request = NULL, request_reason = NULL, failure = NULL,
            wait_reason = NULL, outputs = NULL, started_at = NULL, finished_at = NULL,
            due_at = now(), paused_by = NULL, pause_no = pause_no + 1,
            inputs = coalesce($3, inputs)
        WHERE id = $1 AND claim_no = $2
        AND status IN ('waiting', 'failed', 'cancelled', 'timed_out', 'succeeded')
        RETURNING id
        """
    )

    /// Runs that an earlier owner left behind in these shards, or that this owner claimed without
    /// hearing the answer.
    static let recover = PostgresStatement(
        "runs.recover",
        [.int4Array],
        """
        SELECT r.id, r.lane_id FROM run r
        WHERE r.shard_id = ANY ($1) AND r.status IN ('claimed', 'running', 'waiting')
        ORDER BY r.id
        """
    )

    static let requested = PostgresStatement(
        "runs.requested",
        [.int8],
        """
        SELECT r.id, r.lane_id, r.shard_id, s.generation, r.claim_no, r.status,
               coalesce(r.request_reason, 'cancelled')
        FROM run r JOIN shard s ON s.shard_id = r.shard_id AND s.owner = $1
        WHERE r.request IS NOT NULL
        AND r.status IN ('queued', 'claimed', 'running', 'waiting')
        """
    )

    /// Lanes of this node with runs that can be claimed now: hops from lane to lane on the index
    /// instead of reading every queued run. A lane whose runs are all for later is left alone.
    static let readyLanes = PostgresStatement(
        "runs.ready_lanes",
        [.int8],
        """
        WITH RECURSIVE ready (lane_id) AS (
            (SELECT lane_id FROM run WHERE status = 'queued' AND paused_by IS NULL
             ORDER BY lane_id LIMIT 1)
            UNION ALL
            SELECT (SELECT r.lane_id FROM run r
                    WHERE r.status = 'queued' AND r.paused_by IS NULL
                    AND r.lane_id > ready.lane_id
                    ORDER BY r.lane_id LIMIT 1)
            FROM ready WHERE ready.lane_id IS NOT NULL)
        SELECT l.id, l.width, l.priority FROM ready JOIN lane l ON l.id = ready.lane_id
        JOIN shard s ON s.shard_id = l.shard_id AND s.owner = $1
        WHERE EXISTS (
            SELECT 1 FROM run r WHERE r.lane_id = l.id AND r.status = 'queued'
            AND r.paused_by IS NULL AND r.due_at <= now())
        """
    )

    static let children = PostgresStatement(
        "runs.children",
        [.int8],
        "SELECT id, status FROM run WHERE parent_run = $1 ORDER BY id"
    )
}

/// The SQL that measures runs.
enum RunTimingsSQL {
    static let all = [timings, open]

    static let timings = PostgresStatement(
        "runs.timings",
        [.int8, .int8],
        """
        SELECT (extract(epoch FROM finished_at - enqueued_at) * 1000000)::bigint
        FROM run WHERE id BETWEEN $1 AND $2 AND finished_at IS NOT NULL
        """
    )

    static let open = PostgresStatement(
        "runs.open",
        [.int8, .int8],
        """
        SELECT count(*) FROM run WHERE id BETWEEN $1 AND $2
        AND status IN ('queued', 'claimed', 'running', 'waiting')
        """
    )
}
