// The SQL of suspicion: who says that a node is gone, and whether that is enough to end it.

internal import Postgres

enum VotesSQL {
    static let all = [suspect, clear, weighHard, evictHard, weighSoft, evictSoft]

    /// Whether node `n` may speak against others: it takes part, and its own lease is fresh.
    private static func isFit(_ n: String) -> String {
        """
        \(n).status = 'active'
        AND \(n).lease_until > clock_timestamp() + \(ClusterRules.voterLeaseMin.interval)
        """
    }

    /// Votes, or repeats a vote; after a pause it begins anew. Locks one row.
    static let suspect = PostgresStatement(
        "votes.suspect",
        [.int8, .int8, .bool],
        """
        INSERT INTO suspicion AS s (target, voter, hard)
        SELECT t.node_epoch, v.node_epoch, $3 FROM node t, node v
        WHERE t.node_epoch = $1 AND t.status <> 'dead' AND v.node_epoch = $2
        AND t.node_epoch <> v.node_epoch AND \(isFit("v"))
        ON CONFLICT (target, voter) DO UPDATE SET
            first_at = CASE
                WHEN s.last_at < EXCLUDED.last_at - \(ClusterRules.votePauseMax.interval)
                THEN EXCLUDED.first_at ELSE s.first_at END,
            last_at = EXCLUDED.last_at, hard = EXCLUDED.hard
        RETURNING s.target
        """
    )

    static let clear = PostgresStatement(
        "votes.clear",
        [.int8, .int8],
        "DELETE FROM suspicion WHERE target = $1 AND voter = $2"
    )

    /// When a lease was renewed last.
    private static func renewedAt(_ n: String) -> String {
        "\(n).lease_until - \(ClusterRules.lease.interval)"
    }

    /// How many votes against `t` are needed. It counts itself, also while it drains: with two
    /// others the two of them must agree.
    private static let needed = """
        (SELECT least(2, greatest(1, count(*) - 1)) FROM node a
            WHERE a.status = 'active' OR a.node_epoch = t.node_epoch)
        """

    /// Whether enough fit voters have votes that fit `condition`, of `v`. One voter alone is believed
    /// only when `t` is also late with its renewal: the database is the third witness, or two nodes
    /// that do not reach each other would end each other in turns.
    private static func stands(_ condition: String) -> String {
        """
        (SELECT count(*) >= \(needed) AND (\(needed) > 1
            OR \(renewedAt("t")) < clock_timestamp() - \(ClusterRules.lateAfter.interval))
            FROM suspicion v JOIN node n ON n.node_epoch = v.voter AND \(isFit("n"))
            WHERE v.target = t.node_epoch
            AND v.last_at > clock_timestamp() - \(ClusterRules.voteAgeMax.interval)
            AND \(condition))
        """
    }

    /// Refused connections count when the refusal is newer than the last sign of life.
    private static let standsHard = stands("v.hard AND v.last_at > \(renewedAt("t"))")

    /// Silence counts, refusals with it, when it lasted and was said again and again until now.
    static let standsSoft = stands(
        """
        v.first_at <= clock_timestamp() - \(ClusterRules.softGrace.interval)
        AND v.last_at > clock_timestamp() - \(ClusterRules.votePauseMax.interval)
        """
    )

    /// Whether `$2` may end `t` by this verdict. The executor must be fit itself. Where one voter is
    /// enough its own renewals must have been unbroken for a lease, as for reaping: after an outage
    /// everybody is late.
    private static func may(_ verdict: String) -> String {
        """
        $1 <> $2 AND EXISTS (
            SELECT 1 FROM node me WHERE me.node_epoch = $2 AND \(isFit("me"))
            AND (\(needed) > 1 OR me.streak_since
                < clock_timestamp() - \(ClusterRules.lease.interval)))
        AND \(verdict)
        """
    }

    /// Whether the node is dead, and if not whether it may be ended; locks nothing, so that it can be
    /// asked by many while votes come in.
    private static func weigh(_ name: String, _ verdict: String) -> PostgresStatement {
        PostgresStatement(
            name,
            [.int8, .int8],
            """
            SELECT t.status = 'dead', \(may(verdict)) FROM node t WHERE t.node_epoch = $1
            """
        )
    }

    private static func evict(_ name: String, _ verdict: String) -> PostgresStatement {
        PostgresStatement(
            name,
            [.int8, .int8],
            """
            UPDATE node t SET status = 'dead'
            WHERE t.node_epoch = $1 AND t.status <> 'dead' AND \(may(verdict))
            """
        )
    }

    static let weighHard = weigh("votes.weigh_hard", standsHard)

    /// The target's row is looked at again when it was renewed meanwhile, and then its refusals are
    /// older than that.
    static let evictHard = evict("votes.evict_hard", standsHard)

    /// Only the coordinator executes.
    private static let standsInOffice = """
        \(standsSoft) AND EXISTS (SELECT 1 FROM cluster c
            WHERE c.coord_node = $2 AND c.coord_until > clock_timestamp())
        """

    static let weighSoft = weigh("votes.weigh_soft", standsInOffice)

    static let evictSoft = evict("votes.evict_soft", standsInOffice)
}
