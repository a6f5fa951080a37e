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
               \(milliseconds("clock_timestamp() - greatest(r.enqueued_at, r.due_at)")),
               r.owner,
               (SELECT count(*) FROM run a WHERE a.shard_id = r.shard_id AND a.lane_id = r.lane_id
                AND a.status IN ('claimed', 'running', 'waiting')),
               (SELECT count(*) FROM (
                   SELECT FROM run b WHERE b.lane_id = r.lane_id AND b.status = 'queued'
                   AND b.paused_by IS NULL AND b.due_at <= clock_timestamp()
                   AND (b.priority > r.priority OR b.priority = r.priority AND b.id < r.id)
                   LIMIT $2) ahead),
               (SELECT min(k.id) FROM run k
                WHERE k.parent_run = r.id AND k.finished_at IS NULL),
               n.name, n.status, \(milliseconds("n.lease_until - clock_timestamp()")),
               \(milliseconds("clock_timestamp() - n.status_since")),
               t.name, CASE WHEN r.paused_by IS NOT NULL
                   THEN \(milliseconds("clock_timestamp() - r.paused_at")) END,
               CASE r.status WHEN 'waiting'
                   THEN \(milliseconds("clock_timestamp() - r.waiting_at")) END,
               \(milliseconds("clock_timestamp() - r.started_at")),
               (SELECT \(milliseconds("clock_timestamp() - k.enqueued_at")) FROM run k
                WHERE k.parent_run = r.id AND k.finished_at IS NULL ORDER BY k.id LIMIT 1),
               (SELECT min(a.id) FROM run a WHERE a.shard_id = r.shard_id AND a.lane_id = r.lane_id
                AND a.status IN ('claimed', 'running', 'waiting')),
               \(milliseconds("clock_timestamp() - h.state_since")), \(MovesSQL.columns("h"))
        FROM run r JOIN lane l ON l.id = r.lane_id JOIN session s ON s.id = l.session_id
        JOIN shard h ON h.shard_id = r.shard_id
        LEFT JOIN node n ON n.node_epoch = h.owner LEFT JOIN node t ON t.node_epoch = h.target
        WHERE r.id = $1
        """
    )
}
