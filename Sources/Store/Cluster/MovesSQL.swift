// The SQL of shards on their way: what the coordinator decides, and what an owner does itself.

internal import Postgres

enum MovesSQL {
    static let all = [
        holdTerm, assign, mark, holdView, move, force, start, holdTarget, handOver, handedOver,
        release, decline, changes,
    ]

    /// What ``ShardView`` has, of `s`.
    static let columns = columns("s")

    /// The same, of another name.
    static func columns(_ s: String) -> String {
        """
        \(s).shard_id, \(s).owner, \(s).generation, \(s).state, \(s).target,
        \(MembershipSQL.milliseconds(
            "greatest(\(s).effects_after - clock_timestamp(), interval '0')"))
        """
    }

    // MARK: The coordinator's

    /// Every write of a coordinator begins here. FOR SHARE: neither its term ends nor does any node
    /// change its status before the commit, which is what the next statements rely on. Who holds the
    /// row waits for node and shard rows only.
    static let holdTerm = PostgresStatement(
        "cluster.hold_term",
        [.int8, .int8],
        "SELECT view_version FROM cluster WHERE \(isInOffice) FOR SHARE"
    )

    /// Whether `$1` coordinates in its term `$2`.
    static let isInOffice = """
        coord_node = $1 AND coord_epoch = $2 AND coord_until > clock_timestamp()
        """

    /// Pairs of shards and nodes, those whose node takes shards.
    private static func pairs(_ shards: String, _ nodes: String) -> String {
        """
        SELECT i.shard_id, i.node FROM unnest(\(shards), \(nodes)) AS i (shard_id, node)
        JOIN node n ON n.node_epoch = i.node AND n.status = 'active'
            AND n.lease_until > clock_timestamp()
        """
    }

    /// Pairs of shards `$3` and nodes `$4`; none after the term.
    private static let asked = """
        asked AS MATERIALIZED (
            \(pairs("$3", "$4")) WHERE EXISTS (SELECT 1 FROM cluster WHERE \(isInOffice)))
        """

    /// Gives free shards to nodes, also those with effects of their last owner still possible: the
    /// new owner knows until when. Shards are locked in ascending order, as by every fence.
    static let assign = PostgresStatement(
        "cluster.assign",
        [.int8, .int8, .int4Array, .int8Array],
        """
        WITH \(asked),
        held AS MATERIALIZED (
            SELECT s.shard_id, asked.node FROM shard s JOIN asked ON asked.shard_id = s.shard_id
            WHERE s.owner IS NULL ORDER BY s.shard_id FOR UPDATE OF s)
        UPDATE shard s SET owner = held.node, generation = s.generation + 1, state = 'assigned'
        FROM held WHERE s.shard_id = held.shard_id
        RETURNING \(columns)
        """
    )

    /// Has owners hand shards over to other nodes.
    static let mark = PostgresStatement(
        "cluster.mark",
        [.int8, .int8, .int4Array, .int8Array],
        "WITH \(asked), \(handOff)"
    )

    /// Marks what is `asked` and served by another node. Ascending order, as everywhere.
    private static let handOff = """
        held AS MATERIALIZED (
            SELECT s.shard_id, asked.node FROM shard s JOIN asked ON asked.shard_id = s.shard_id
            WHERE s.state = 'running' AND s.owner <> asked.node
            ORDER BY s.shard_id FOR UPDATE OF s)
        UPDATE shard s SET state = 'handing_off', target = held.node
        FROM held WHERE s.shard_id = held.shard_id
        RETURNING \(columns)
        """

    /// A person's word needs no term, but the same quiet: no node changes its status before the
    /// commit.
    static let holdView = PostgresStatement(
        "cluster.hold_view",
        [],
        "SELECT view_version FROM cluster FOR SHARE"
    )

    /// Has owners hand shards `$1` over to nodes `$2`, in a person's name; those on their way from the
    /// very node stay there. Whoever hands one of these over at this moment came first, or finds its
    /// target gone. One statement for both, so that all are locked in ascending order.
    static let move = PostgresStatement(
        "cluster.move",
        [.int4Array, .int8Array],
        """
        WITH asked AS MATERIALIZED (
            SELECT i.shard_id, i.node, EXISTS (
                SELECT 1 FROM node WHERE node_epoch = i.node AND \(takesShards)) AS is_taker
            FROM unnest($1, $2) AS i (shard_id, node)),
        held AS MATERIALIZED (
            SELECT s.shard_id, asked.node FROM shard s JOIN asked ON asked.shard_id = s.shard_id
            WHERE s.state = 'running' AND s.owner <> asked.node AND asked.is_taker
            OR s.state = 'handing_off' AND s.owner = asked.node
            ORDER BY s.shard_id FOR UPDATE OF s)
        UPDATE shard s SET
            state = CASE WHEN s.owner = held.node THEN 'running' ELSE 'handing_off' END,
            target = CASE WHEN s.owner <> held.node THEN held.node END
        FROM held WHERE s.shard_id = held.shard_id
        RETURNING \(columns)
        """
    )

    /// Takes shards from owners that did not hand them over in time. An owner may be alive and go on
    /// renewing: its row is locked and its count raised, so every renewal after this commit tells it,
    /// and until its lease as it is now is over nobody has effects. Nodes first and in ascending
    /// order, then shards in ascending order; `told` is read to its end by its sort before a shard is
    /// locked.
    static let force = PostgresStatement(
        "cluster.force",
        [.int8, .int8, .int4Array],
        """
        WITH overdue AS MATERIALIZED (
            SELECT s.shard_id, s.generation, s.owner, n.node_epoch AS target FROM shard s
            LEFT JOIN node n ON n.node_epoch = s.target AND n.status = 'active'
                AND n.lease_until > clock_timestamp()
            WHERE s.shard_id = ANY ($3) AND s.state = 'handing_off'
            AND s.state_since < clock_timestamp() - \(ClusterRules.handOff.interval)
            AND EXISTS (SELECT 1 FROM cluster WHERE \(isInOffice))),
        losing AS MATERIALIZED (
            SELECT n.node_epoch FROM node n WHERE n.node_epoch IN (SELECT owner FROM overdue)
            ORDER BY n.node_epoch FOR NO KEY UPDATE),
        told AS (
            UPDATE node n SET shards_taken = n.shards_taken + 1
            FROM losing WHERE n.node_epoch = losing.node_epoch
            RETURNING n.node_epoch, n.lease_until),
        leases AS MATERIALIZED (SELECT node_epoch, lease_until FROM told ORDER BY node_epoch),
        held AS MATERIALIZED (
            SELECT s.shard_id, o.target, leases.lease_until FROM shard s
            JOIN overdue o ON o.shard_id = s.shard_id
            JOIN leases ON leases.node_epoch = s.owner
            WHERE s.generation = o.generation AND s.state = 'handing_off'
            ORDER BY s.shard_id FOR UPDATE OF s)
        UPDATE shard s SET owner = held.target, generation = s.generation + 1,
            state = CASE WHEN held.target IS NULL THEN 'free' ELSE 'assigned' END, target = NULL,
            effects_after = greatest(s.effects_after, held.lease_until)
        FROM held WHERE s.shard_id = held.shard_id
        RETURNING \(columns)
        """
    )

    // MARK: The owner's

    /// Shards `$2` at generations `$3` that `$1` owns, locked in ascending order.
    private static let mine = """
        mine AS MATERIALIZED (
            SELECT s.shard_id FROM shard s
            JOIN unnest($2, $3) AS i (shard_id, generation)
                ON i.shard_id = s.shard_id AND i.generation = s.generation
            WHERE s.owner = $1 ORDER BY s.shard_id FOR UPDATE OF s)
        """

    /// Begins to serve; says which of the shards are this node's.
    static let start = PostgresStatement(
        "cluster.start",
        [.int8, .int4Array, .int8Array],
        """
        WITH \(mine)
        UPDATE shard s SET state = CASE s.state WHEN 'assigned' THEN 'running' ELSE s.state END
        FROM mine WHERE s.shard_id = mine.shard_id
        RETURNING \(columns)
        """
    )

    /// FOR SHARE: the target does not die between this look and the commit, which would leave the
    /// shard with a dead owner. A node's row before a shard's, as everywhere.
    static let holdTarget = PostgresStatement(
        "cluster.hold_target",
        [.int8],
        "SELECT node_epoch FROM node WHERE node_epoch = $1 AND \(takesShards) FOR SHARE"
    )

    private static let takesShards = "status = 'active' AND lease_until > clock_timestamp()"

    /// The one compare-and-set of a planned move. The owner has no effects under way any more, so
    /// nobody waits for its lease. An owner that drains chooses targets itself: it must get away also
    /// while nobody coordinates.
    static let handOver = PostgresStatement(
        "cluster.hand_over",
        [.int8, .int4, .int8, .int8],
        """
        UPDATE shard SET owner = $4, generation = generation + 1, state = 'assigned', target = NULL
        WHERE shard_id = $2 AND owner = $1 AND generation = $3
        AND (target = $4 OR state = 'running' AND EXISTS (
            SELECT 1 FROM node WHERE node_epoch = $1 AND status = 'draining'))
        AND EXISTS (SELECT 1 FROM node WHERE node_epoch = $4 AND \(takesShards))
        """
    )

    /// Whether the target has it by the next generation, from this call or from one before whose
    /// reply was lost.
    static let handedOver = PostgresStatement(
        "cluster.handed_over",
        [.int4, .int8, .int8],
        """
        SELECT generation FROM shard
        WHERE shard_id = $1 AND generation = $2 + 1 AND owner = $3
        """
    )

    /// Gives shards away; only the owner at that generation can.
    static let release = PostgresStatement(
        "cluster.release",
        [.int8, .int4Array, .int8Array],
        """
        WITH \(mine)
        UPDATE shard s SET owner = NULL, generation = s.generation + 1, state = 'free',
            target = NULL
        FROM mine WHERE s.shard_id = mine.shard_id
        RETURNING s.shard_id
        """
    )

    /// The owner keeps what it was to hand over: its work goes on.
    static let decline = PostgresStatement(
        "cluster.decline",
        [.int8, .int4Array, .int8Array],
        """
        WITH \(mine)
        UPDATE shard s SET state = 'running', target = NULL
        FROM mine WHERE s.shard_id = mine.shard_id AND s.state = 'handing_off'
        RETURNING s.shard_id
        """
    )

    // MARK: Reading

    /// Shards changed by a transaction that a snapshot with horizon `$1` did not have, and the horizon
    /// for the next question: no change is missed, however its commits are ordered; some are told
    /// twice. A horizon of the future, as after the failover to a standby that lagged, means all.
    static let changes = PostgresStatement(
        "cluster.shard_changes",
        [.int8],
        """
        SELECT h.horizon, \(columns)
        FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon) h
        LEFT JOIN shard s ON s.changed_in >= CASE WHEN $1 > h.horizon THEN 0 ELSE $1 END
        ORDER BY s.shard_id
        """
    )
}
