// The SQL of looking: whether there is anything to do, and which runs for later are due.

internal import Postgres

enum DueSQL {
    static let all = [glance, glanceAtAsked, pass]

    /// Whether anybody has something to claim, a request or a pause, and in how many milliseconds
    /// the next run for later is due (NULL: never). The first entry of an index answers each, so an
    /// idle node asks no more than this; whose it is, the statements say that it then sends.
    static let glance = PostgresStatement(
        "due.glance",
        [],
        """
        SELECT (SELECT true FROM run r WHERE \(RunsSQL.isReady("r")) ORDER BY r.lane_id LIMIT 1)
                IS TRUE
            OR (SELECT true FROM run r WHERE \(RunsSQL.isReady("r", isKeyed: true))
                ORDER BY r.lane_id LIMIT 1) IS TRUE,
            \(Self.asked)
        """
    )

    /// The same without a word of what can be claimed: where a transaction has been open for long, all
    /// that was claimed since lies before the first entry.
    static let glanceAtAsked = PostgresStatement(
        "due.glance_at_asked",
        [],
        "SELECT false, \(Self.asked)"
    )

    private static let asked = """
        (SELECT true FROM run r WHERE r.request IS NOT NULL ORDER BY r.shard_id LIMIT 1)
                IS TRUE,
            (SELECT true FROM run r WHERE r.pause_no > 0
                AND r.status IN ('claimed', 'running', 'waiting') ORDER BY r.shard_id LIMIT 1)
                IS TRUE,
            (SELECT ceil(date_part('epoch', r.due_at - clock_timestamp()) * 1000)::bigint
                FROM run r WHERE \(RunsSQL.isDelayed("r")) ORDER BY r.due_at LIMIT 1)
        """

    /// Puts runs that are due into the queues of their lanes, those of this node's shards, the
    /// earliest first, at most `$2`; tells their lanes, one row for each run. Nothing to fence: a
    /// run that is due is due for everybody. SKIP LOCKED: one that is changed now is passed next
    /// time.
    static let pass = PostgresStatement(
        "due.pass",
        [.int8, .int8],
        """
        WITH due AS MATERIALIZED (
            SELECT r.id FROM run r
            WHERE \(RunsSQL.isDelayed("r")) AND r.due_at <= clock_timestamp()
            AND (SELECT s.owner = $1 FROM shard s WHERE s.shard_id = r.shard_id)
            ORDER BY r.due_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED)
        UPDATE run SET is_delayed = false WHERE id = ANY (ARRAY(SELECT due.id FROM due))
        RETURNING lane_id
        """
    )
}
