// The SQL of what operators ask: how the cluster stands, where shards are, why a run does not run.

internal import Postgres

enum OversightSQL {
    static let all = [status, suspicions, shards, run]

    private static func milliseconds(_ interval: String) -> String {
        MembershipSQL.milliseconds(interval)
    }

    /// The cluster and its nodes with what each holds; the cluster alone when there are none.
    static let status = PostgresStatement(
        "oversight.status",
        [],
        """
        SELECT c.view_version,
               CASE WHEN c.coord_until > clock_timestamp() THEN c.coord_node END, c.coord_epoch,
               \(milliseconds("c.coord_until - clock_timestamp()")), c.active_proto,
               (SELECT count(*) FROM shard f WHERE f.owner IS NULL),
               \(MembershipSQL.nodeColumns),
               \(milliseconds("clock_timestamp() - n.status_since")),
               coalesce(s.assigned, 0), coalesce(s.running, 0), coalesce(s.handing_off, 0)
        FROM cluster c LEFT JOIN node n ON n.status <> 'dead' LEFT JOIN (
            SELECT owner, count(*) FILTER (WHERE state = 'assigned') AS assigned,
                   count(*) FILTER (WHERE state = 'running') AS running,
                   count(*) FILTER (WHERE state = 'handing_off') AS handing_off
            FROM shard WHERE owner IS NOT NULL GROUP BY owner) s ON s.owner = n.node_epoch
        ORDER BY n.node_epoch
        """
    )

    static let suspicions = PostgresStatement(
        "oversight.suspicions",
        [],
        """
        SELECT target, voter, hard, \(milliseconds("clock_timestamp() - first_at")),
               \(milliseconds("clock_timestamp() - last_at"))
        FROM suspicion ORDER BY target, voter
        """
    )

    /// Shards of a node `$1` and in a state `$2`; `NULL` means any.
    static let shards = PostgresStatement(
        "oversight.shards",
        [.int8, .text],
        """
        SELECT \(milliseconds("clock_timestamp() - s.state_since")), \(MovesSQL.columns)
        FROM shard s
        WHERE ($1 IS NULL OR s.owner = $1) AND ($2 IS NULL OR s.state = $2)
        ORDER BY s.shard_id
        """
    )

    /// A run with everything that may hold it up. Who is before it is counted up to `$2`, so a long
    /// queue costs no more.
    static let run = PostgresStatement(
        "oversight.run",
        [.int8, .int8],
        """
        SELECT r.id, r.status, s.name, l.name, l.width, r.paused_by, r.request_reason,
               r.request IS NOT NULL, r.wait_reason,
               \(milliseconds("r.due_at - clock_timestamp()")),
               \(milliseconds("clock_timestamp() - \(RunsSQL.readyAt("r"))")),
               r.owner,
               (SELECT count(*) FROM run a WHERE a.shard_id = r.shard_id AND a.lane_id = r.lane_id
                AND a.status IN ('claimed', 'running', 'waiting')),
               (SELECT count(*) FROM (
                   SELECT FROM run b WHERE b.lane_id = r.lane_id
                   AND (\(RunsSQL.isReady("b")) OR \(RunsSQL.isReady("b", isKeyed: true)))
                   AND (b.rank, b.id) < (r.rank, r.id)
                   LIMIT $2) ahead),
               (SELECT min(k.id) FROM run k
                WHERE k.parent_run = r.id),
               n.name, n.status, \(milliseconds("n.lease_until - clock_timestamp()")),
               \(milliseconds("clock_timestamp() - n.status_since")),
               t.name, CASE WHEN r.paused_by IS NOT NULL
                   THEN \(milliseconds("clock_timestamp() - r.paused_at")) END,
               CASE r.status WHEN 'waiting'
                   THEN \(milliseconds("clock_timestamp() - r.waiting_at")) END,
               \(milliseconds("clock_timestamp() - r.started_at")),
               (SELECT \(milliseconds("clock_timestamp() - k.enqueued_at")) FROM run k
                WHERE k.parent_run = r.id ORDER BY k.id LIMIT 1),
               (SELECT min(a.id) FROM run a WHERE a.shard_id = r.shard_id AND a.lane_id = r.lane_id
                AND a.status IN ('claimed', 'running', 'waiting')),
               CASE WHEN r.key <> '' THEN l.key_width END,
               (SELECT count(*) FROM run a WHERE a.shard_id = r.shard_id AND a.lane_id = r.lane_id
                AND a.key = r.key AND a.status IN ('claimed', 'running', 'waiting')),
               q.scope, q.name, q.wait_us / 1000,
               z.scope, z.paused_by, z.reason, \(milliseconds("clock_timestamp() - z.paused_at")),
               \(milliseconds("clock_timestamp() - h.state_since")), \(MovesSQL.columns("h"))
        FROM run_any r JOIN lane l ON l.id = r.lane_id JOIN session s ON s.id = l.session_id
        JOIN shard h ON h.shard_id = r.shard_id
        LEFT JOIN node n ON n.node_epoch = h.owner LEFT JOIN node t ON t.node_epoch = h.target
        LEFT JOIN LATERAL (\(widestPause)) z ON true
        LEFT JOIN LATERAL (\(longestWait)) q ON r.status = 'queued'
        WHERE r.id = $1
        """
    )

    /// The rate that lets the run begin last: of the lane, of a limit that it shares, of the key.
    private static let longestWait = """
        SELECT * FROM (
            SELECT w.scope, w.name, w.wait_us FROM lane_shut(l, rate_now()) w
            UNION ALL
            SELECT 'key', r.key, lane_key_wait(l, r.key, rate_now())) a
        WHERE a.wait_us > 0 ORDER BY a.wait_us DESC LIMIT 1
        """

    /// The pause that holds back most: of the session, else of the lane, else of the key.
    private static let widestPause = """
        SELECT * FROM (
            SELECT 'session' AS scope, p.paused_by, p.reason, p.paused_at FROM session_pause p
            WHERE p.session_id = l.session_id AND position('/' IN l.name) = 0
            UNION ALL
            SELECT CASE p.key WHEN '' THEN 'lane' ELSE 'key' END, p.paused_by, p.reason, p.paused_at
            FROM lane_pause p WHERE p.lane_id = l.id AND p.key IN ('', r.key)) q
        ORDER BY q.scope = 'session' DESC, q.scope = 'lane' DESC LIMIT 1
        """
}
