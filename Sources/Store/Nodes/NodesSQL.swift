// The SQL of the node table as people and the sharing without a coordinator read it.

internal import Postgres

enum NodesSQL {
    static let all = [list, activeCount, guests, page]

    static let list = PostgresStatement(
        "nodes.list",
        [],
        """
        SELECT n.node_epoch, n.name, n.address, n.status,
               (extract(epoch FROM n.lease_until - clock_timestamp()) * 1000)::bigint AS lease_ms,
               (SELECT count(*) FROM shard s WHERE s.owner = n.node_epoch) AS shards, n.build
        FROM node n WHERE n.status <> 'dead' ORDER BY n.node_epoch
        """
    )

    static let guests = PostgresStatement(
        "nodes.guests",
        [.text],
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
    )

    static let activeCount = PostgresStatement(
        "nodes.active_count",
        [],
        """
        SELECT (SELECT count(*) FROM node
                WHERE status = 'active' AND lease_until > clock_timestamp()) AS active,
               (SELECT count(*) FROM shard WHERE owner IS NULL) AS free
        """
    )

    /// Nodes after `$1` with what they do; dead ones only when asked for.
    static let page = PostgresStatement(
        "nodes.page",
        [.int8, .bool, .int8],
        """
        SELECT n.node_epoch, n.name, n.address, n.status,
               (extract(epoch FROM n.lease_until - clock_timestamp()) * 1000)::bigint AS lease_ms,
               (SELECT count(*) FROM shard s WHERE s.owner = n.node_epoch) AS shards, n.build,
               coalesce(q.runs, 0)::bigint,
               (extract(epoch FROM n.started_at) * 1000)::bigint AS started_ms
        FROM node n LEFT JOIN (
            SELECT r.owner, count(*) AS runs FROM run r
            WHERE r.status IN ('claimed', 'running', 'waiting') GROUP BY r.owner) q
            ON q.owner = n.node_epoch
        WHERE n.node_epoch > $1 AND ($2 OR n.status <> 'dead')
        ORDER BY n.node_epoch LIMIT $3
        """
    )
}
