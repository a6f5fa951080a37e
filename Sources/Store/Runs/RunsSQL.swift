// The SQL of the run table as clients use it; what owners write is in WriterSQL.

internal import Postgres
internal import PulserIR

enum RunsSQL {
    static let all = [
        enqueue, byKey, get, resolvePrefix, list, countByStatus, requestCancel, supersede, retry,
        revive, unfold, recover, readyLanes, children,
    ]

    static let columns = """
        r.id, r.lane_id, s.name, l.name, r.plan_digest, p.name, r.status, r.priority, r.inputs,
        r.attempt, r.retry_count, r.claim_no, r.depth, r.parent_run, r.outputs, r.failure,
        r.wait_reason, r.first_seq, r.last_seq,
        (extract(epoch FROM r.enqueued_at) * 1000)::bigint,
        (extract(epoch FROM r.started_at) * 1000)::bigint,
        (extract(epoch FROM r.finished_at) * 1000)::bigint,
        r.request, r.idempotency_key, r.paused_by, r.template, r.key, r.unique_key, r.unique_ms,
        (extract(epoch FROM CASE WHEN r.status = 'queued' AND r.is_delayed THEN r.due_at
            WHEN r.status = 'waiting' THEN r.retry_at END) * 1000)::bigint,
        (extract(epoch FROM \(readyAt("r"))) * 1000)::bigint
        FROM run_any r JOIN lane l ON l.id = r.lane_id JOIN session s ON s.id = l.session_id
        JOIN plan p ON p.digest = r.plan_digest
        """

    /// What can be claimed, in the words of the index of runs without a key, and of that of the others.
    static func isReady(_ run: String, isKeyed: Bool = false) -> String {
        """
        \(run).status = 'queued' AND \(run).paused_by IS NULL AND NOT \(run).is_delayed
            AND \(run).key \(isKeyed ? "<>" : "=") ''
        """
    }

    /// Since when a run could have begun, had its lane had room.
    static func readyAt(_ run: String) -> String {
        "greatest(\(run).enqueued_at, \(run).due_at, \(run).again_at)"
    }

    /// What is queued for later, in the words of its index.
    static func isDelayed(_ run: String) -> String {
        "\(run).status = 'queued' AND \(run).paused_by IS NULL AND \(run).is_delayed"
    }

    /// All of `run`, in the words of the five indexes that together hold it. An index of its own
    /// would have two more entries for every run.
    static func isOpen(_ run: String) -> String {
        """
        ((\(isReady(run))) OR (\(isReady(run, isKeyed: true))) OR (\(isDelayed(run)))
            OR \(run).status IN ('claimed', 'running', 'waiting') OR \(run).paused_by IS NOT NULL)
        """
    }

    /// Many runs at once, in the order given; those whose key is taken, also by a run that has ended,
    /// are left out; keys are written in one order, so nobody waits in a circle. A lane that is
    /// closed or a plan that is unknown becomes a NULL that its column refuses, and with it all of
    /// the transaction. FOR SHARE: a session cannot be archived meanwhile; enqueues do not wait on
    /// each other, and an archive locks one row, so nobody waits in a circle.
    static let enqueue = PostgresStatement(
        "runs.enqueue",
        enqueueTypes,
        """
        WITH \(wanted())
        INSERT INTO run (\(enqueuedColumns))
        \(enqueuedValues())
        RETURNING id, idempotency_key, lane_id
        """
    )

    /// What ``enqueue`` is given of each run.
    static let enqueueTypes: [PostgresType] = [
        .int8Array, .byteaArray, .int4Array, .textArray, .int8Array, .textArray, .int8Array,
        .int4Array, .textArray,
    ]
    static let enqueuedColumns = """
        id, lane_id, shard_id, plan_digest, priority, inputs, due_at, idempotency_key, parent_run,
        depth, key, is_delayed, rank
        """

    /// Parts of a WITH: lanes that take runs, the runs that are wanted, and those of them whose key is
    /// new. `arrays` are more parameters, of which `columns` are the names.
    static func wanted(_ arrays: String = "", as columns: String = "") -> String {
        """
        open AS MATERIALIZED (
            SELECT l.id, l.shard_id, l.ageing_ms FROM lane l
            JOIN session s ON s.id = l.session_id AND s.status = 'active'
            WHERE l.id = ANY ($1) FOR SHARE OF s),
        wanted AS MATERIALIZED (
            SELECT nextval('run_id') AS id, i.*
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9\(arrays)) WITH ORDINALITY
                AS i (lane_id, plan_digest, priority, inputs, delay_ms, key, parent_run, depth,
                      for_key\(columns), n)),
        keyed AS (
            INSERT INTO run_key (lane_id, key, run_id)
            SELECT w.lane_id, w.key, w.id FROM wanted w WHERE w.key IS NOT NULL
            ORDER BY w.lane_id, w.key, w.n
            ON CONFLICT (lane_id, key) DO NOTHING RETURNING run_id)
        """
    }

    /// The values of ``enqueuedColumns`` and of `more`.
    static func enqueuedValues(_ more: String = "") -> String {
        """
        SELECT i.id, i.lane_id, l.shard_id,
               CASE WHEN p.unused_since IS NULL THEN p.digest ELSE plan_held(p.digest) END,
               i.priority, i.inputs,
               now() + i.delay_ms * interval '1 ms', i.key, i.parent_run, i.depth, i.for_key,
               i.delay_ms > 0,
               run_rank(now() + i.delay_ms * interval '1 ms', i.priority, l.ageing_ms)\(more)
        FROM wanted i
        LEFT JOIN open l ON l.id = i.lane_id
        LEFT JOIN plan p ON p.digest = i.plan_digest
        WHERE i.key IS NULL OR i.id IN (SELECT run_id FROM keyed)
        ORDER BY i.n
        """
    }

    static let byKey = PostgresStatement(
        "runs.by_key",
        [.int8, .text],
        "SELECT run_id FROM run_key WHERE lane_id = $1 AND key = $2"
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
        SELECT id FROM (SELECT id FROM run_any ORDER BY id DESC LIMIT 200000) recent
        WHERE \(scrambled("id")) BETWEEN $1 AND $2
        ORDER BY id DESC LIMIT 10
        """
    )

    /// The newest runs, filtered; an empty or null filter means any.
    static let list = PostgresStatement(
        "runs.list",
        [.textArray, .text, .text, .int8, .int8, .text],
        """
        SELECT \(columns)
        WHERE (cardinality($1) = 0 OR r.status = ANY ($1))
        AND ($2 IS NULL OR s.name = $2) AND ($3 IS NULL OR l.name = $3)
        AND r.id < $4 AND ($6 IS NULL OR r.key = $6)
        ORDER BY r.id DESC LIMIT $5
        """
    )

    static let countByStatus = PostgresStatement(
        "runs.count_by_status",
        [],
        "SELECT status, count(*) FROM run_any GROUP BY status"
    )

    /// Asks the owner to end a run. A queued run of a shard that nobody owns ends at once: there is
    /// no owner who could hear of it, and no log to write to.
    static let requestCancel = PostgresStatement(
        "runs.request_cancel",
        [.int8, .text],
        """
        WITH \(cancel("r.id = $1", reason: "$2"))
        SELECT status, lane_id FROM cancelled
        """
    )

    /// Asks for the end of all runs that fit; locks them in the order of their ids, as everybody.
    /// Parts of a WITH, the last of which is `cancelled (id, status, lane_id)`. Rows are named by
    /// their ids too, so that no others are read, whatever there was when this was planned.
    static func cancel(_ condition: String, reason: String) -> String {
        let end = RunColumns.move(
            "e",
            to: "run_done",
            setting: [
                "status": "'cancelled'", "finished_at": "now()", "failure": reason,
                "request": "NULL", "request_reason": reason, "paused_by": "NULL",
            ]
        )
        return """
            target AS (
                SELECT r.id, r.status = 'queued' AND r.claim_no = 0 AND NOT EXISTS (
                    SELECT 1 FROM shard s JOIN node n ON n.node_epoch = s.owner
                    WHERE s.shard_id = r.shard_id AND n.lease_until > clock_timestamp()) AS at_once
                FROM run r WHERE \(condition)
                AND \(isOpen("r")) ORDER BY r.id FOR UPDATE OF r),
            gone AS (
                DELETE FROM run USING target WHERE run.id = target.id AND target.at_once
                AND run.id = ANY (ARRAY(SELECT t.id FROM target t)) RETURNING run.*),
            moved AS (\(end) FROM gone e RETURNING id, status, lane_id),
            \(UniqueSQL.freed("gone")),
            asked AS (
                UPDATE run SET request = 'cancel', request_reason = \(reason)
                FROM target WHERE run.id = target.id AND NOT target.at_once
                AND run.id = ANY (ARRAY(SELECT t.id FROM target t))
                RETURNING run.id, run.status, run.lane_id),
            cancelled AS (SELECT * FROM moved UNION ALL SELECT * FROM asked)
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
            SELECT id FROM run WHERE id = $1 AND claim_no = $3 AND status = 'waiting' FOR UPDATE)
        UPDATE step_journal j SET superseded = true
        FROM target WHERE j.run_id = target.id AND NOT j.superseded
        AND (j.step = ANY ($2) OR split_part(j.step, '[', 1) = ANY ($2)
            OR position('!' IN j.step) > 0)
        """
    )

    /// The turn of a run that is queued now.
    static func rankNow(_ run: String) -> String {
        """
        run_rank(now(), \(run).priority,
            (SELECT l.ageing_ms FROM lane l WHERE l.id = \(run).lane_id))
        """
    }

    /// Queues a waiting run again. The claim number rises, so whoever still holds the run finds its
    /// writes refused. Its time begins anew: one that timed out would only do so again. Whoever has
    /// it run again does not want it paused. It has kept its lane's place while it waited, so it
    /// keeps its turn too: what came after it goes on coming after it; its wait begins anew. `$4` is who gave it other
    /// inputs: the run is theirs from then on.
    static let retry = PostgresStatement(
        "runs.retry",
        [.int8, .int8, .text, .text],
        """
        UPDATE run r SET status = 'queued', attempt = attempt + 1, retry_count = 0,
            claim_no = claim_no + 1, request = NULL, request_reason = NULL, failure = NULL,
            wait_reason = NULL, outputs = NULL, started_at = NULL, finished_at = NULL,
            paused_by = NULL, pause_no = pause_no + 1, is_delayed = false,
            inputs = coalesce($3, inputs), started_by = coalesce($4, started_by), retry_at = NULL,
            again_at = now()
        WHERE id = $1 AND claim_no = $2 AND status = 'waiting'
        RETURNING id
        """
    )

    /// The same for a run that has ended: back to what is under way. `$4` is when it ended, in
    /// milliseconds since 1970, as the reader saw it: so only its day is looked at. `$5` is who
    /// gave it other inputs. One that a schedule began is open for the schedule again.
    static let revive = PostgresStatement(
        "runs.revive",
        [.int8, .int8, .text, .int8, .text],
        """
        WITH gone AS (
            DELETE FROM run_done d WHERE d.id = $1 AND d.claim_no = $2
            AND d.finished_at BETWEEN to_timestamp(($4 - 1) / 1000.0)
                AND to_timestamp(($4 + 1) / 1000.0)
            RETURNING d.*),
        counted AS (
            UPDATE schedule_run o SET ended = false FROM gone WHERE o.run_id = gone.id)
        \(again) FROM gone e RETURNING id
        """
    )
    private static let again = RunColumns.move(
        "e",
        to: "run",
        setting: [
            "status": "'queued'", "attempt": "e.attempt + 1", "retry_count": "0",
            "claim_no": "e.claim_no + 1", "request": "NULL", "request_reason": "NULL",
            "failure": "NULL", "wait_reason": "NULL", "outputs": "NULL", "started_at": "NULL",
            "finished_at": "NULL", "due_at": "now()", "paused_by": "NULL",
            "pause_no": "e.pause_no + 1", "inputs": "coalesce($3, e.inputs)", "steps": "NULL",
            "is_delayed": "false", "rank": rankNow("e"),
            "started_by": "coalesce($5, e.started_by)",
        ]
    )

    /// Gives a run that was queued again in this very transaction its journal back. Rows that never
    /// left the journal are put aside or not like the others.
    static let unfold = PostgresStatement(
        "runs.unfold",
        [
            .int8, .int8, .textArray, .int8Array, .int8Array, .textArray, .textArray, .boolArray,
            .int8Array, .int8Array,
        ],
        """
        INSERT INTO step_journal
            (run_id, step, attempt, claim_no, state, record, superseded, begun_at, ended_at)
        SELECT r.id, i.step, i.attempt, i.claim_no, i.state, i.record, i.superseded,
               to_timestamp(0) + i.begun_us * interval '1 us',
               to_timestamp(0) + i.ended_us * interval '1 us'
        FROM run r, unnest($3, $4, $5, $6, $7, $8, $9, $10)
            AS i (step, attempt, claim_no, state, record, superseded, begun_us, ended_us)
        WHERE r.id = $1 AND r.claim_no = $2 + 1 AND r.status = 'queued'
        AND r.xmin = pg_current_xact_id()::xid
        ON CONFLICT (run_id, step, attempt) DO UPDATE SET superseded = EXCLUDED.superseded
        """
    )

    /// Runs that an earlier owner left behind in these shards, or that this owner claimed without
    /// hearing the answer. Sorted apart, or the order would have all runs read along their ids.
    static let recover = PostgresStatement(
        "runs.recover",
        [.int4Array],
        """
        SELECT q.id, q.lane_id FROM (
            SELECT r.id, r.lane_id FROM run r
            WHERE r.shard_id = ANY ($1) AND r.status IN ('claimed', 'running', 'waiting')
            OFFSET 0) q
        ORDER BY q.id
        """
    )

    /// Lanes of this node with runs that can be claimed now, but for those of `$2`: hops from lane to
    /// lane on the indexes instead of reading every queued run, and over those of `$2` without reading
    /// anything of theirs: what they took lies before what they may still take for as long as anybody's
    /// transaction is open. No EXISTS, which the planner may answer by reading all that is queued.
    static let readyLanes = PostgresStatement(
        "runs.ready_lanes",
        [.int8, .int8Array],
        """
        WITH RECURSIVE gap AS MATERIALIZED (
            SELECT g.low, lead(g.low, 1, 9223372036854775807) OVER (ORDER BY g.low) AS high
            FROM (SELECT 0::bigint AS low UNION SELECT unnest($2)) g),
        \(lanes("plain", isKeyed: false)), \(lanes("keyed", isKeyed: true))
        SELECT l.id, l.width, l.priority, l.worker, \(LimitsSQL.mark("l"))
        FROM (SELECT lane_id FROM plain UNION SELECT lane_id FROM keyed) ready
        JOIN lane l ON l.id = ready.lane_id
        JOIN shard s ON s.shard_id = l.shard_id AND s.owner = $1
        WHERE \(LanePauseSQL.isOpen(lane: "l.id"))
        """
    )
    private static func lanes(_ name: String, isKeyed: Bool) -> String {
        """
        \(name) (lane_id, high) AS (
            SELECT (SELECT r.lane_id FROM run r WHERE \(isReady("r", isKeyed: isKeyed))
                AND r.lane_id > gap.low AND r.lane_id < gap.high
                ORDER BY r.lane_id LIMIT 1), gap.high
            FROM gap
            UNION ALL
            SELECT (SELECT r.lane_id FROM run r WHERE \(isReady("r", isKeyed: isKeyed))
                AND r.lane_id > \(name).lane_id AND r.lane_id < \(name).high
                ORDER BY r.lane_id LIMIT 1), \(name).high
            FROM \(name) WHERE \(name).lane_id IS NOT NULL)
        """
    }

    /// Without an order: planned while nothing is there, one by `id` has all of `run` read for it.
    static let children = PostgresStatement(
        "runs.children",
        [.int8],
        "SELECT id, status FROM run_any WHERE parent_run = $1"
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
        FROM run_done WHERE id BETWEEN $1 AND $2
        """
    )

    static let open = PostgresStatement(
        "runs.open",
        [.int8, .int8],
        """
        SELECT count(*) FROM run WHERE id BETWEEN $1 AND $2
        """
    )
}
