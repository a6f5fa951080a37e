// The SQL of actions on many runs: chosen once, worked off by whoever has the claim.

internal import Postgres

enum BulkSQL {
    static let all = [
        make, lanesMake, get, page, items, take, beat, cancelRuns, next, mark, markRetried, finish,
        cancel,
        settle, sweep,
    ]

    private static let columns = """
        b.id, b.action, b.filter, b.reason, b.actor, b.status, b.total, b.revision,
        (extract(epoch FROM b.created_at) * 1000)::bigint,
        (extract(epoch FROM b.ended_at) * 1000)::bigint,
        coalesce(b.ok, c.ok), coalesce(b.skipped, c.skipped), coalesce(b.failed, c.failed)
        """

    /// What came of the runs of `b`.
    private static let tally = """
        SELECT count(*) FILTER (WHERE i.state = 'ok') AS ok,
               count(*) FILTER (WHERE i.state = 'skipped') AS skipped,
               count(*) FILTER (WHERE i.state = 'failed') AS failed
        FROM bulk_item i WHERE i.bulk_id = b.id
        """

    /// Counted from its runs only as long as it is not settled.
    private static let counted = "CROSS JOIN LATERAL (\(tally) AND b.ok IS NULL) c"

    /// Fixes which runs are meant, unless there are more than the stretch can tell, more than `$25`,
    /// or not as many as `$26` expects; then it makes nothing and says how many there are.
    private static func make(_ name: String, _ stretch: String) -> PostgresStatement {
        PostgresStatement(
            name,
            RunListSQL.filterTypes + [.int8, .int8, .text, .text, .text, .text]
                + RequestKeysSQL.types,
            """
            \(stretch),
            picked AS MATERIALIZED (
                SELECT hit.id, hit.claim_no FROM hit ORDER BY hit.id LIMIT $25 + 1),
            size AS (SELECT (SELECT count(*) FROM picked) AS n, (SELECT count(*) FROM stretch) AS seen),
            made AS (
                INSERT INTO bulk (action, filter, reason, actor, total)
                SELECT $27, $28, $29, $30, size.n FROM size
                WHERE size.n <= $25 AND size.seen < $20 AND ($26 IS NULL OR size.n = $26)
                RETURNING id),
            items AS (
                INSERT INTO bulk_item (bulk_id, run_id, claim_no)
                SELECT made.id, picked.id, picked.claim_no FROM made, picked),
            keyed AS (
                INSERT INTO request_key (\(RequestKeysSQL.columns))
                SELECT $31, $32, $33, 'bulk', made.id FROM made WHERE $32 IS NOT NULL)
            SELECT (SELECT id FROM made), size.n, size.seen < $20 FROM size
            """
        )
    }

    static let make = make("bulk.make", RunListSQL.stretch)
    static let lanesMake = make("bulk.make_in_lanes", RunListSQL.lanesStretch)

    static let get = PostgresStatement(
        "bulk.get",
        [.int8],
        """
        SELECT \(columns) FROM bulk b \(counted) WHERE b.id = $1
        """
    )

    static let page = PostgresStatement(
        "bulk.page",
        [.int8, .int8],
        """
        SELECT \(columns) FROM bulk b \(counted)
        WHERE b.id IN (SELECT o.id FROM bulk o WHERE o.id < $1 ORDER BY o.id DESC LIMIT $2)
        ORDER BY b.id DESC
        """
    )

    static let items = PostgresStatement(
        "bulk.items",
        [.int8, .text, .int8, .int8],
        """
        SELECT run_id, state, reason FROM bulk_item
        WHERE bulk_id = $1 AND ($2 IS NULL OR state = $2) AND run_id > $3
        ORDER BY run_id LIMIT $4
        """
    )

    /// One action that nobody works on. SKIP LOCKED: workers never wait on each other.
    static let take = PostgresStatement(
        "bulk.take",
        [.int8],
        """
        WITH next AS (
            SELECT b.id FROM bulk b WHERE b.status = 'running'
            AND b.heartbeat_at < clock_timestamp() - $1 * interval '1 ms'
            ORDER BY b.id LIMIT 1 FOR UPDATE SKIP LOCKED)
        UPDATE bulk SET claim_no = bulk.claim_no + 1, heartbeat_at = clock_timestamp()
        FROM next WHERE bulk.id = next.id
        RETURNING bulk.id, bulk.claim_no, bulk.action, bulk.reason, bulk.actor
        """
    )

    static let beat = PostgresStatement(
        "bulk.beat",
        [.int8, .int8],
        """
        UPDATE bulk SET heartbeat_at = clock_timestamp()
        WHERE id = $1 AND claim_no = $2 AND status = 'running' RETURNING id
        """
    )

    /// Asks for the end of the next `$4` runs and marks them, in one statement: a worker that dies
    /// here has done both or nothing. The bulk row is locked first, FOR SHARE, so that no other
    /// worker takes it over meanwhile; then runs in the order of their ids, as everybody.
    static let cancelRuns = PostgresStatement(
        "bulk.cancel_runs",
        [.int8, .int8, .text, .int8],
        """
        WITH mine AS MATERIALIZED (
            SELECT id FROM bulk WHERE id = $1 AND claim_no = $2 AND status = 'running' FOR SHARE),
        picked AS MATERIALIZED (
            SELECT i.run_id FROM bulk_item i JOIN mine ON mine.id = i.bulk_id
            WHERE i.state = 'pending' ORDER BY i.run_id LIMIT $4),
        \(RunsSQL.cancel("r.id IN (SELECT run_id FROM picked)", reason: "$3"))
        UPDATE bulk_item i SET
            state = CASE WHEN cancelled.id IS NULL THEN 'skipped' ELSE 'ok' END,
            reason = CASE WHEN cancelled.id IS NULL THEN 'the run had ended already' END
        FROM picked LEFT JOIN cancelled ON cancelled.id = picked.run_id
        WHERE i.bulk_id = $1 AND i.run_id = picked.run_id
        RETURNING i.run_id
        """
    )

    static let next = PostgresStatement(
        "bulk.next",
        [.int8, .int8, .int8],
        """
        SELECT i.run_id, i.claim_no FROM bulk_item i
        JOIN bulk b ON b.id = i.bulk_id AND b.claim_no = $2 AND b.status = 'running'
        WHERE i.bulk_id = $1 AND i.state = 'pending' ORDER BY i.run_id LIMIT $3
        """
    )

    /// What came of some runs; a worker that lost the action changes nothing.
    static let mark = PostgresStatement(
        "bulk.mark",
        [.int8, .int8, .int8Array, .textArray, .textArray],
        """
        WITH mine AS MATERIALIZED (
            SELECT id FROM bulk WHERE id = $1 AND claim_no = $2 FOR SHARE)
        UPDATE bulk_item i SET state = m.state, reason = m.reason
        FROM mine, unnest($3, $4, $5) AS m (run_id, state, reason)
        WHERE i.bulk_id = mine.id AND i.run_id = m.run_id AND i.state = 'pending'
        RETURNING i.run_id
        """
    )

    /// In the transaction that queued a run again, so that it is done once: `$3` is the claim the
    /// run had, and `xmin` tells that nobody else did it.
    static let markRetried = PostgresStatement(
        "bulk.mark_retried",
        [.int8, .int8, .int8],
        """
        UPDATE bulk_item i SET state = 'ok' FROM run r
        WHERE i.bulk_id = $1 AND i.run_id = $2 AND i.state = 'pending'
        AND r.id = $2 AND r.claim_no = $3 + 1 AND r.status = 'queued'
        AND r.xmin = pg_current_xact_id()::xid
        RETURNING i.run_id
        """
    )

    /// Asks for the first that is not done, which an index knows; asked whether there is any, the
    /// planner would look through everybody's.
    static let finish = PostgresStatement(
        "bulk.finish",
        [.int8, .int8],
        """
        UPDATE bulk b SET status = 'completed', ended_at = now(), revision = revision + 1,
            (ok, skipped, failed) = (\(tally))
        WHERE id = $1 AND claim_no = $2 AND status = 'running' AND (
            SELECT i.run_id FROM bulk_item i WHERE i.bulk_id = $1 AND i.state = 'pending'
            ORDER BY i.run_id LIMIT 1) IS NULL
        RETURNING id
        """
    )

    /// Keeps what came of actions that ended a while ago, so that their runs are not counted at
    /// every look: a worker that had not heard of the end has marked its last runs by then.
    static let settle = PostgresStatement(
        "bulk.settle",
        [.int8],
        """
        WITH ended AS MATERIALIZED (
            SELECT b.id FROM bulk b WHERE b.status <> 'running' AND b.ok IS NULL
            AND b.ended_at < now() - $1 * interval '1 ms'
            ORDER BY b.id LIMIT 20 FOR UPDATE SKIP LOCKED)
        UPDATE bulk SET ok = c.ok, skipped = c.skipped, failed = c.failed
        FROM ended b CROSS JOIN LATERAL (\(tally)) c WHERE bulk.id = b.id RETURNING bulk.id
        """
    )

    /// Some runs of the oldest action that ended long ago, and the action with the last of them.
    /// SKIP LOCKED: sweepers never wait on each other.
    static let sweep = PostgresStatement(
        "bulk.sweep",
        [.int8, .int8],
        """
        WITH old AS MATERIALIZED (
            SELECT b.id FROM bulk b WHERE b.status <> 'running'
            AND b.ended_at < now() - $1 * interval '1 ms'
            ORDER BY b.id LIMIT 1 FOR UPDATE SKIP LOCKED),
        items AS (
            DELETE FROM bulk_item i USING old WHERE i.bulk_id = old.id AND i.run_id IN (
                SELECT n.run_id FROM bulk_item n WHERE n.bulk_id = old.id
                ORDER BY n.run_id LIMIT $2)
            RETURNING i.run_id),
        removed AS (
            DELETE FROM bulk USING old
            WHERE bulk.id = old.id AND (SELECT count(*) FROM items) < $2 RETURNING bulk.id)
        SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM removed)
        """
    )

    /// What is not done yet stays undone.
    static let cancel = PostgresStatement(
        "bulk.cancel",
        [.int8, .int8],
        """
        UPDATE bulk SET status = 'cancelled', ended_at = now(), revision = revision + 1
        WHERE id = $1 AND status = 'running' AND ($2 IS NULL OR revision = $2)
        RETURNING id
        """
    )
}
