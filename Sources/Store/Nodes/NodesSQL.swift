// The SQL of the node table: joining, renewing, reaping.

internal import Postgres

enum NodesSQL {
    static let all = [
        join, buryPredecessor, activate, renew, reap, leave, list, activeCount, guests, page,
    ]

    /// An older incarnation at this address is dead: the caller holds the lock of its data
    /// directory. Locks node rows, then shard rows, as everywhere.
    static let buryPredecessor = PostgresStatement(
        "nodes.bury_predecessor",
        [.text],
        """
        WITH old AS (
            UPDATE node SET status = 'dead' WHERE address = $1 AND status <> 'dead'
            RETURNING node_epoch)
        UPDATE shard SET owner = NULL, generation = generation + 1
        FROM old WHERE shard.owner = old.node_epoch
        RETURNING shard.shard_id
        """
    )

    /// A new epoch with a first lease.
    static let join = PostgresStatement(
        "nodes.join",
        [.text, .text, .text],
        """
        INSERT INTO node (name, address, status, lease_until, streak_since, build)
        VALUES ($1, $2, 'joining', clock_timestamp() + interval '10 s', clock_timestamp(), $3)
        RETURNING node_epoch
        """
    )

    static let activate = PostgresStatement(
        "nodes.activate",
        [.int8, .text],
        "UPDATE node SET status = $2 WHERE node_epoch = $1 AND status <> 'dead' RETURNING node_epoch"
    )

    /// Keyed by epoch alone, so a lost reply cannot make it conflict with itself. A renewal that
    /// comes late starts a new streak.
    static let renew = PostgresStatement(
        "nodes.renew",
        [.int8],
        """
        UPDATE node SET
            streak_since = CASE WHEN lease_until < clock_timestamp()
                THEN clock_timestamp() ELSE streak_since END,
            lease_until = clock_timestamp() + interval '10 s'
        WHERE node_epoch = $1 AND status <> 'dead'
        RETURNING node_epoch
        """
    )

    /// Frees the shards of nodes whose lease is over. Only by a node whose own renewals were
    /// unbroken for a whole lease: after an outage the first one back must not bury the rest.
    static let reap = PostgresStatement(
        "nodes.reap",
        [.int8],
        """
        WITH me AS (
            SELECT 1 FROM node WHERE node_epoch = $1 AND status <> 'dead'
            AND lease_until > clock_timestamp()
            AND streak_since < clock_timestamp() - interval '10 s'),
        expired AS (
            SELECT node_epoch FROM node
            WHERE status <> 'dead' AND lease_until < clock_timestamp() AND node_epoch <> $1
            AND EXISTS (SELECT 1 FROM me)
            ORDER BY node_epoch FOR UPDATE SKIP LOCKED),
        dead AS (
            UPDATE node SET status = 'dead' FROM expired
            WHERE node.node_epoch = expired.node_epoch
            RETURNING node.node_epoch, node.lease_until),
        freed AS (
            UPDATE shard SET owner = NULL, generation = generation + 1,
                effects_after = dead.lease_until
            FROM dead WHERE shard.owner = dead.node_epoch
            RETURNING shard.shard_id)
        SELECT (SELECT count(*) FROM dead)::bigint AS nodes,
               (SELECT count(*) FROM freed)::bigint AS shards
        """
    )

    /// A clean end: the shards are free at once.
    static let leave = PostgresStatement(
        "nodes.leave",
        [.int8],
        """
        WITH gone AS (
            UPDATE node SET status = 'dead', lease_until = clock_timestamp()
            WHERE node_epoch = $1 RETURNING node_epoch)
        UPDATE shard SET owner = NULL, generation = generation + 1
        FROM gone WHERE shard.owner = gone.node_epoch
        RETURNING shard.shard_id
        """
    )

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
