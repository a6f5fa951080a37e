// The SQL of membership: joining, renewing, dying, and what follows from it for everybody.

internal import Postgres

enum MembershipSQL {
    static let all = [
        clearWay, lock, prune, killPredecessor, join, activate, drain, undrain, leave, renew,
        expired, reap, evict, freeShards, forgetVotes, rise, isDead, view,
    ]

    /// Ends transactions that hold rows of the cluster and wait for their process: one frozen or cut
    /// off in the middle of a batch would keep its shards locked against its own burial for as long
    /// as its connection lives. Only rows of this database and sessions of this role.
    static let clearWay = PostgresStatement(
        "cluster.clear_way",
        [.text],
        """
        SELECT set_config('lock_timeout', $1, true), (
            SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
            WHERE a.datname = current_database() AND a.usename = current_user
            AND a.pid <> pg_backend_pid() AND a.wait_event = 'ClientRead'
            AND a.xact_start < clock_timestamp() - \(ClusterRules.stuckAfter.interval)
            AND EXISTS (
                SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND l.granted
                AND l.relation IN ('cluster'::regclass, 'node'::regclass, 'shard'::regclass)
                AND l.mode IN ('RowShareLock', 'RowExclusiveLock')))
        """
    )

    /// Every change of a status begins here, so membership changes one at a time; coordinators hold
    /// the row FOR SHARE while they write. It is the first lock of all: who has it waits only for
    /// node and shard rows, and who holds those never asks for this one.
    static let lock = PostgresStatement(
        "cluster.lock",
        [],
        "SELECT view_version FROM cluster FOR NO KEY UPDATE"
    )

    // MARK: What follows from a change, after it and in its transaction

    /// A dead node owns nothing and gets nothing: its shards are free at the next generation, once
    /// its lease is over for effects that no fence can refuse; shards on their way to it stay where
    /// they are. A statement of its own, so that its snapshot has what the node took until it was
    /// locked. Shards are locked in ascending order, as by every fence.
    static let freeShards = PostgresStatement(
        "cluster.free_shards",
        [],
        """
        WITH held AS MATERIALIZED (
            SELECT s.shard_id, o.status = 'dead' AS is_orphan, o.lease_until FROM shard s
            JOIN node o ON o.node_epoch = s.owner LEFT JOIN node t ON t.node_epoch = s.target
            WHERE o.status = 'dead' OR t.status = 'dead'
            ORDER BY s.shard_id FOR UPDATE OF s)
        UPDATE shard s SET
            owner = CASE WHEN NOT held.is_orphan THEN s.owner END,
            generation = s.generation + held.is_orphan::integer,
            state = CASE WHEN held.is_orphan THEN 'free' ELSE 'running' END,
            target = NULL,
            effects_after = CASE WHEN held.is_orphan
                THEN greatest(s.effects_after, held.lease_until) ELSE s.effects_after END
        FROM held WHERE s.shard_id = held.shard_id
        """
    )

    /// The dead neither accuse nor stand accused.
    static let forgetVotes = PostgresStatement(
        "cluster.forget_votes",
        [],
        """
        DELETE FROM suspicion v USING node n
        WHERE n.node_epoch IN (v.target, v.voter) AND n.status = 'dead'
        """
    )

    /// When a status changed: the view rises, a dead coordinator's term ends, the protocol rises to
    /// what all speak. Gives the view's version, which everybody is to be told of, if it rose.
    static let rise = PostgresStatement(
        "cluster.rise",
        [],
        """
        WITH live AS (
            SELECT count(*) AS nodes, min(proto_max) AS newest FROM node WHERE status <> 'dead'),
        risen AS (
            UPDATE cluster c SET
                view_version = c.view_version + 1,
                coord_node = CASE WHEN d.node_epoch IS NULL THEN c.coord_node END,
                coord_until = CASE WHEN d.node_epoch IS NULL
                    THEN c.coord_until ELSE to_timestamp(0) END,
                active_proto = CASE live.nodes WHEN 0 THEN c.active_proto WHEN 1 THEN live.newest
                    ELSE greatest(c.active_proto, live.newest) END
            FROM live, cluster old
            LEFT JOIN node d ON d.node_epoch = old.coord_node AND d.status = 'dead'
            WHERE EXISTS (SELECT 1 FROM node n WHERE n.view_version > old.view_version)
            RETURNING c.view_version)
        SELECT view_version FROM risen
        """
    )

    // MARK: Coming

    /// Forgets nodes that died long ago, the oldest first; sent after `cluster.forget_votes`. When a
    /// shard may have effects is kept with the shard. What still names one, as a process that stopped
    /// in the middle of an upgrade may leave it, keeps it until the next time.
    static let prune = PostgresStatement(
        "cluster.prune",
        [],
        """
        DELETE FROM node WHERE node_epoch IN (
            SELECT n.node_epoch FROM node n
            WHERE n.status = 'dead'
            AND n.status_since < clock_timestamp() - \(ClusterRules.deadKept.interval)
            AND NOT EXISTS (
                SELECT 1 FROM shard s WHERE n.node_epoch IN (s.owner, s.target))
            AND NOT EXISTS (SELECT 1 FROM cluster c WHERE c.coord_node = n.node_epoch)
            ORDER BY n.node_epoch LIMIT 1000)
        """
    )

    /// Whether the joiner's range (`$2`, `$3`) has what the cluster speaks; a cluster whose only node
    /// is at this address (`$1`) speaks what the joiner does.
    private static let fits = """
        (SELECT c.active_proto BETWEEN $2 AND $3 FROM cluster c)
        OR NOT EXISTS (SELECT 1 FROM node o WHERE o.status <> 'dead' AND o.address <> $1)
        """

    /// An older incarnation at the address is dead. Where the caller knows that it has ended (`$4`)
    /// nobody waits for its lease.
    static let killPredecessor = PostgresStatement(
        "cluster.kill_predecessor",
        [.text, .int4, .int4, .bool],
        """
        UPDATE node n SET status = 'dead',
            lease_until = CASE WHEN $4 THEN least(n.lease_until, clock_timestamp())
                ELSE n.lease_until END
        WHERE n.address = $1 AND n.status <> 'dead' AND (\(fits))
        """
    )

    /// A new epoch with a first lease, or what the cluster speaks when the joiner does not.
    static let join = PostgresStatement(
        "cluster.join",
        [.text, .int4, .int4, .text, .text, .text, .text],
        """
        WITH made AS (
            INSERT INTO node (name, address, status, lease_until, streak_since, build, zone,
                              proto_min, proto_max, endpoint)
            SELECT $4, $1, 'joining', clock_timestamp() + \(ClusterRules.lease.interval),
                   clock_timestamp(), $5, $6, $2, $3, $7
            WHERE \(fits)
            RETURNING node_epoch)
        SELECT (SELECT node_epoch FROM made), active_proto FROM cluster
        """
    )

    private static func move(
        _ name: String,
        from statuses: String,
        to status: String
    ) -> PostgresStatement {
        PostgresStatement(
            name,
            [.int8],
            "UPDATE node SET status = '\(status)' WHERE node_epoch = $1 AND status IN (\(statuses))"
        )
    }

    static let activate = move("cluster.activate", from: "'joining'", to: "active")
    static let drain = move("cluster.drain", from: "'joining', 'active'", to: "draining")
    static let undrain = move("cluster.undrain", from: "'draining'", to: "active")

    // MARK: Staying

    /// Keyed by epoch alone, so a lost reply cannot make it conflict with itself. A renewal that
    /// comes late starts a new streak. One row lock, of this node's own row.
    static let renew = PostgresStatement(
        "cluster.renew",
        [.int8],
        """
        UPDATE node n SET
            streak_since = CASE WHEN n.lease_until < clock_timestamp()
                THEN clock_timestamp() ELSE n.streak_since END,
            lease_until = clock_timestamp() + \(ClusterRules.lease.interval)
        FROM cluster c
        WHERE n.node_epoch = $1 AND n.status <> 'dead'
        RETURNING n.status, n.shards_taken, c.view_version,
            CASE WHEN c.coord_until > clock_timestamp() THEN c.coord_node END, c.coord_epoch
        """
    )

    /// The cluster and its nodes; the cluster alone when there are none.
    static let view = PostgresStatement(
        "cluster.view",
        [],
        """
        SELECT c.view_version,
               CASE WHEN c.coord_until > clock_timestamp() THEN c.coord_node END, c.coord_epoch,
               \(nodeColumns)
        FROM cluster c LEFT JOIN node n ON n.status <> 'dead' ORDER BY n.node_epoch
        """
    )

    /// What ``NodeView`` has, of `n`.
    static let nodeColumns = """
        n.node_epoch, n.name, n.address, n.zone, n.build, n.proto_min, n.proto_max, n.status,
        \(milliseconds("n.lease_until - clock_timestamp()")), n.endpoint
        """

    /// An interval in whole milliseconds.
    static func milliseconds(_ interval: String) -> String {
        "(extract(epoch FROM \(interval)) * 1000)::bigint"
    }

    // MARK: Going

    /// A clean end: nobody waits for what is left of the lease.
    static let leave = PostgresStatement(
        "cluster.leave",
        [.int8],
        """
        UPDATE node SET status = 'dead', lease_until = least(lease_until, clock_timestamp())
        WHERE node_epoch = $1 AND status <> 'dead'
        """
    )

    /// Whose lease is over, as `$1` may say: its own renewals were unbroken for a whole lease. After
    /// an outage the first one back must not bury the rest.
    private static let isExpired = """
        n.status <> 'dead' AND n.lease_until < clock_timestamp() AND n.node_epoch <> $1
        AND EXISTS (
            SELECT 1 FROM node me WHERE me.node_epoch = $1 AND me.status <> 'dead'
            AND me.lease_until > clock_timestamp()
            AND me.streak_since < clock_timestamp() - \(ClusterRules.lease.interval))
        """

    /// Whether there is anybody to reap; locks nothing, so that it can be asked often.
    static let expired = PostgresStatement(
        "cluster.expired",
        [.int8],
        "SELECT n.node_epoch FROM node n WHERE \(isExpired)"
    )

    /// A node that renews meanwhile is looked at again after the wait for its row, and lives.
    static let reap = PostgresStatement(
        "cluster.reap",
        [.int8],
        "UPDATE node n SET status = 'dead' WHERE \(isExpired) RETURNING n.node_epoch"
    )

    /// A person's word needs no votes.
    static let evict = PostgresStatement(
        "cluster.evict",
        [.int8],
        "UPDATE node SET status = 'dead' WHERE node_epoch = $1 AND status <> 'dead'"
    )

    static let isDead = PostgresStatement(
        "cluster.is_dead",
        [.int8],
        "SELECT status = 'dead' FROM node WHERE node_epoch = $1"
    )
}
