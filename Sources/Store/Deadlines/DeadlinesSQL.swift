// The SQL of deadlines: stored with the run that asks for one, looked at when the next is due.

internal import Postgres

enum DeadlinesSQL {
    static let all = [set, get, next, begun, leftOver, pass]

    /// In the transaction that made a run that is not unique, after it: until when it must have begun
    /// (`$1` ms from now), until when it must have ended (`$2`, ms since 1970), or how long after its beginning (`$3` ms).
    static let set = PostgresStatement(
        "deadlines.set",
        [.int8, .int8, .int8],
        """
        INSERT INTO run_deadline (run_id, kind, at, after_ms)
        SELECT r.id, v.kind, v.at, v.after_ms FROM run r CROSS JOIN \(wanted(1))
        WHERE r.id = (SELECT currval('run_id')) AND r.xmin = pg_current_xact_id()::xid
        AND (v.at IS NOT NULL OR v.after_ms IS NOT NULL)
        """
    )

    /// The rows of the three parameters from the `first` on; what was not asked for is NULL in both.
    static func wanted(_ first: Int) -> String {
        """
        (VALUES ('start', now() + $\(first) * interval '1 ms', NULL::bigint),
            ('end', to_timestamp($\(first + 1) / 1000.0), NULL),
            ('end', NULL, $\(first + 2))) v (kind, at, after_ms)
        """
    }

    /// What is to come of a run's deadlines: nothing of one that has ended, and of one that has begun
    /// only its end, whether or not somebody has looked since, and when a person had it run again too.
    static let get = PostgresStatement(
        "deadlines.get",
        [.int8],
        """
        SELECT d.kind, (extract(epoch FROM
            coalesce(d.at, r.started_at + d.after_ms * interval '1 ms')) * 1000)::bigint, d.after_ms
        FROM run_deadline d JOIN run r ON r.id = d.run_id
        WHERE d.run_id = $1 AND (d.kind = 'end' OR r.claim_no = 0)
        """
    )

    /// In how many milliseconds the next one is due, NULL for never; whether some count from a
    /// beginning that was not seen yet.
    static let next = PostgresStatement(
        "deadlines.next",
        [],
        """
        SELECT (SELECT ceil(date_part('epoch', d.at - clock_timestamp()) * 1000)::bigint
                FROM run_deadline d WHERE d.at IS NOT NULL ORDER BY d.at LIMIT 1),
            (SELECT true FROM run_deadline d WHERE d.at IS NULL ORDER BY d.run_id LIMIT 1) IS TRUE
        """
    )

    /// Counts from the beginning of up to `$1` runs that have begun. Runs under way are looked at, each
    /// for a row that is open, and not the open rows, of which there may be one for each that is queued.
    /// SKIP LOCKED: nodes that look at once do each a part, and none waits for another.
    static let begun = PostgresStatement(
        "deadlines.begun",
        [.int8],
        """
        WITH live AS MATERIALIZED (
            SELECT r.id, r.started_at FROM run r
            WHERE r.status IN ('claimed', 'running', 'waiting') AND r.started_at IS NOT NULL
            AND (SELECT d.run_id FROM run_deadline d
                WHERE d.run_id = r.id AND d.at IS NULL LIMIT 1) IS NOT NULL
            LIMIT $1),
        open AS MATERIALIZED (
            SELECT d.run_id, d.kind FROM run_deadline d
            WHERE d.run_id = ANY (ARRAY(SELECT live.id FROM live)) AND d.at IS NULL
            FOR UPDATE SKIP LOCKED)
        UPDATE run_deadline d SET at = live.started_at + d.after_ms * interval '1 ms'
        FROM open JOIN live ON live.id = open.run_id
        WHERE d.run_id = ANY (ARRAY(SELECT live.id FROM live))
        AND d.run_id = open.run_id AND d.kind = open.kind AND d.at IS NULL
        RETURNING d.run_id
        """
    )

    /// What nothing under way is left of is due at once, so that it goes: such a run began and ended
    /// between two looks, or never began. Of the next `$2` open rows after the run `$1`: the last of
    /// them, NULL when there are no more, and how many were left over.
    static let leftOver = PostgresStatement(
        "deadlines.left_over",
        [.int8, .int8],
        """
        WITH seen AS MATERIALIZED (
            SELECT d.run_id FROM run_deadline d WHERE d.at IS NULL AND d.run_id > $1
            ORDER BY d.run_id LIMIT $2),
        lost AS MATERIALIZED (
            SELECT d.run_id, d.kind FROM run_deadline d
            WHERE d.run_id = ANY (ARRAY(
                SELECT s.run_id FROM seen s
                WHERE (SELECT r.id FROM run r WHERE r.id = s.run_id) IS NULL))
            AND d.at IS NULL FOR UPDATE SKIP LOCKED),
        gone AS (
            UPDATE run_deadline d SET at = clock_timestamp() FROM lost
            WHERE d.run_id = ANY (ARRAY(SELECT l.run_id FROM lost l))
            AND d.run_id = lost.run_id AND d.kind = lost.kind RETURNING d.run_id)
        SELECT CASE WHEN (SELECT count(*) FROM seen) = $2 THEN (SELECT max(s.run_id) FROM seen s) END,
            (SELECT count(*) FROM gone)
        """
    )

    /// Does what is due about up to `$1` deadlines. A run that nobody owns and nobody has claimed ends
    /// at once; of others the owner is told, and when `$2` ms later it does nothing, the run ends
    /// without it: its claim number rises, so whatever that still writes is refused. A run that was
    /// claimed ever has begun, however often it was queued again since: that takes `started_at` away, but
    /// not the claim number. One that nobody is asked to end any more was queued again since, and is
    /// not late. What an owner cancels with its run, the runs that this one started, are asked to end
    /// where there is none. Rows of deadlines are locked before those of runs, which nobody does the
    /// other way round; runs in the order of their ids, as everybody. SKIP LOCKED: nodes that look at
    /// once do each a part. Children are found first and put in order afterwards: planned while nothing
    /// is there, both at once read all runs.
    static let pass = PostgresStatement(
        "deadlines.pass",
        [.int8, .int8],
        """
        WITH due AS MATERIALIZED (
            SELECT d.run_id, d.kind, d.told_at FROM run_deadline d
            WHERE d.at <= clock_timestamp() ORDER BY d.at LIMIT $1 FOR UPDATE SKIP LOCKED),
        open AS MATERIALIZED (
            SELECT r.id, r.claim_no, r.request, r.status = 'queued' AND r.claim_no = 0 AND NOT EXISTS (
                SELECT FROM shard s JOIN node n ON n.node_epoch = s.owner
                WHERE s.shard_id = r.shard_id AND n.lease_until > clock_timestamp()) AS is_free
            FROM run r WHERE r.id = ANY (ARRAY(SELECT due.run_id FROM due))
            ORDER BY r.id FOR UPDATE OF r),
        late AS MATERIALIZED (
            SELECT o.id, bool_or(o.is_free
                OR due.told_at IS NOT NULL AND NOT \(Self.isActing)) AS is_over,
                CASE WHEN bool_or(due.kind = 'end') THEN \(Self.reason("ended"))
                    ELSE \(Self.reason("begun")) END AS reason
            FROM due JOIN open o ON o.id = due.run_id
            WHERE (due.kind = 'end' OR o.claim_no = 0)
            AND NOT (due.told_at IS NOT NULL AND o.request IS NULL) GROUP BY o.id),
        gone AS (
            DELETE FROM run USING late WHERE run.id = late.id AND late.is_over
            AND run.id = ANY (ARRAY(SELECT l.id FROM late l)) RETURNING run.*, late.reason),
        \(UniqueSQL.freed("gone")),
        moved AS (\(Self.end) FROM gone e RETURNING id, lane_id),
        asked AS (
            UPDATE run SET request = coalesce(run.request, 'timeout'), request_reason =
                CASE WHEN run.request IS NULL THEN late.reason ELSE run.request_reason END
            FROM late WHERE run.id = late.id AND NOT late.is_over
            AND run.id = ANY (ARRAY(SELECT l.id FROM late l)) RETURNING run.id, run.lane_id),
        told AS (
            UPDATE run_deadline d SET told_at = coalesce(d.told_at, clock_timestamp()),
                at = clock_timestamp() + $2 * interval '1 ms'
            FROM due WHERE d.run_id = due.run_id AND d.kind = due.kind
            AND due.run_id IN (SELECT late.id FROM late WHERE NOT late.is_over)),
        child AS MATERIALIZED (
            SELECT c.id FROM run c WHERE c.parent_run IS NOT NULL
            AND c.parent_run = ANY (ARRAY(SELECT gone.id FROM gone))
            AND c.id <> ALL (ARRAY(SELECT late.id FROM late)) AND c.request IS NULL),
        orphan AS MATERIALIZED (
            SELECT c.id FROM run c WHERE c.id = ANY (ARRAY(SELECT child.id FROM child))
            AND c.request IS NULL ORDER BY c.id FOR UPDATE OF c),
        left_over AS (
            UPDATE run SET request = 'cancel', request_reason = 'its parent run timed out'
            FROM orphan WHERE run.id = orphan.id
            AND run.id = ANY (ARRAY(SELECT o.id FROM orphan o)) RETURNING run.id, run.lane_id),
        past AS (
            DELETE FROM run_deadline d USING due WHERE d.run_id = due.run_id AND d.kind = due.kind
            AND due.run_id NOT IN (SELECT late.id FROM late WHERE NOT late.is_over))
        SELECT id, lane_id, 'told' FROM asked UNION ALL SELECT id, lane_id, 'ended' FROM moved
        UNION ALL SELECT id, lane_id, 'child' FROM left_over
        """
    )

    /// Whether a late run's owner undoes it or cleans up: a step of it began since it was told, or its
    /// journal was written a moment ago.
    private static let isActing = """
        EXISTS (SELECT FROM step_journal j WHERE j.run_id = o.id AND (
            j.begun_at > due.told_at AND j.ended_at IS NULL
            OR greatest(j.begun_at, j.ended_at) > clock_timestamp() - $2 * interval '1 ms'))
        """

    private static func reason(_ verb: String) -> String { "'it had not \(verb) by its deadline'" }

    private static let end = RunColumns.move(
        "e",
        to: "run_done",
        setting: [
            "status": "'timed_out'", "finished_at": "now()", "failure": "e.reason",
            "claim_no": "e.claim_no + 1", "request": "NULL", "request_reason": "e.reason",
            "wait_reason": "NULL", "paused_by": "NULL",
        ]
    )
}
