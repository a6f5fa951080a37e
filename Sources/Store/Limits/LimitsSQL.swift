// The SQL of lanes' limits: claims that keep to them, how long a lane waits, limits with names.

internal import Postgres
internal import PulserIR

enum LimitsSQL {
    static let all = [lockLanes, lockLimits, claim, wait, list, get, set, make, delete, lanes]

    /// Whether a lane takes runs, and nothing but its width holds them up.
    static func isPlain(lane: String) -> String {
        """
        ((SELECT NOT o.is_limited AND (position('/' IN o.name) > 0 OR NOT EXISTS (
                SELECT FROM session_pause p WHERE p.session_id = o.session_id))
            FROM lane o WHERE o.id = \(lane)) IS TRUE
            AND NOT EXISTS (SELECT FROM lane_pause p WHERE p.lane_id = \(lane)))
        """
    }

    /// What a lane's limits are, as one text; empty for a lane without. Its owner goes by it, and
    /// notices by it that something changed.
    static func mark(_ lane: String) -> String {
        """
        concat(CASE WHEN \(lane).is_limited THEN \(rules(lane)) || coalesce((
                SELECT string_agg(concat_ws(' ', g.name, g.count, g.ms, g.burst), ',' ORDER BY g.name)
                FROM rate_limit g WHERE g.name = ANY (\(lane).limits)), '') END,
            CASE WHEN EXISTS (SELECT FROM lane_pause k WHERE k.lane_id = \(lane).id AND k.key <> '')
                THEN 'keys are paused' END)
        """
    }

    /// A lane's rules as ``LaneRules`` reads them.
    static func rules(_ lane: String) -> String {
        """
        json_build_array(\(lane).key_width, \(lane).rate_count, \(lane).rate_ms, \(lane).rate_burst,
            \(lane).key_rate_count, \(lane).key_rate_ms, \(lane).key_rate_burst, \(lane).ageing_ms,
            \(lane).limits)::text
        """
    }

    /// Before anything of a transaction is claimed with limits: lanes in the order of their numbers,
    /// then limits in that of their names, so nobody waits in a circle.
    static let lockLanes = PostgresStatement(
        "limits.lock_lanes",
        [.int8Array],
        "SELECT l.id FROM lane l WHERE l.id = ANY ($1) ORDER BY l.id FOR NO KEY UPDATE"
    )

    static let lockLimits = PostgresStatement(
        "limits.lock",
        [.int8Array],
        """
        SELECT g.name FROM rate_limit g WHERE g.name = ANY (ARRAY(
            SELECT unnest(l.limits) FROM lane l WHERE l.id = ANY ($1)))
        ORDER BY g.name FOR NO KEY UPDATE
        """
    )

    /// Takes runs of a lane that has limits, or keys that are paused; see `lane_claim`.
    static let claim = PostgresStatement(
        "limits.claim",
        [.int8, .int4, .int8, .int8, .int8, .text, .textArray, .int8Array],
        """
        SELECT \(ClaimSQL.columns(isKeyed: "true"))
        FROM (SELECT s.owner FROM shard s WHERE s.shard_id = $2 AND s.owner = $1
            AND s.generation = $3 AND \(LanePauseSQL.isOpen(lane: "$4"))) held
        CROSS JOIN LATERAL lane_claim(held.owner, $4, $5, $6, $7, $8) r
        """
    )

    /// How long a lane waits whose claim brought less than it has room for. One that is paused waits
    /// for no time: whoever resumes it wakes it.
    static let wait = PostgresStatement(
        "limits.wait",
        [.int8, .textArray, .int8Array],
        """
        SELECT w.scope, w.name, w.wait_us FROM lane_wait($1, $2, $3) w
        WHERE \(LanePauseSQL.isOpen(lane: "$1"))
        """
    )

    private static let columns = """
        g.name, g.count, g.ms, g.burst,
        rate_wait(g.taken_until, rate_now(), rate_step(g.count, g.ms), g.burst) / 1000,
        (SELECT count(*) FROM lane l WHERE g.name = ANY (l.limits))
        """

    /// Limits after a name.
    static let list = PostgresStatement(
        "limits.list",
        [.text, .int8],
        "SELECT \(columns) FROM rate_limit g WHERE g.name > $1 ORDER BY g.name LIMIT $2"
    )

    static let get = PostgresStatement(
        "limits.get",
        [.text],
        "SELECT \(columns) FROM rate_limit g WHERE g.name = $1"
    )

    /// Makes a limit or changes it; what has begun counts on.
    static let set = PostgresStatement(
        "limits.set",
        [.text, .int8, .int8, .int8],
        """
        INSERT INTO rate_limit AS g (name, count, ms, burst) VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO UPDATE SET count = $2, ms = $3, burst = $4
        RETURNING \(columns)
        """
    )

    /// Makes a limit unless there is one of that name.
    static let make = PostgresStatement(
        "limits.make",
        [.text, .int8, .int8, .int8],
        """
        INSERT INTO rate_limit AS g (name, count, ms, burst) VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO NOTHING
        RETURNING \(columns)
        """
    )

    /// Only a limit that no lane names.
    static let delete = PostgresStatement(
        "limits.delete",
        [.text],
        """
        DELETE FROM rate_limit g WHERE g.name = $1
        AND NOT EXISTS (SELECT FROM lane l WHERE g.name = ANY (l.limits))
        RETURNING g.name
        """
    )

    static let lanes = PostgresStatement(
        "limits.lanes",
        [.text, .int8],
        "SELECT l.id FROM lane l WHERE $1 = ANY (l.limits) ORDER BY l.id LIMIT $2"
    )

    static func locks(_ wants: [ClaimWant]) -> [PostgresRequest] {
        let lanes = PostgresValue.int8Array(wants.map(\.lane))
        return [PostgresRequest(lockLanes, [lanes]), PostgresRequest(lockLimits, [lanes])]
    }

    static func claim(_ want: ClaimWant, _ node: NodeEpoch) -> PostgresRequest {
        let busy = Array(want.busy ?? [:])
        return PostgresRequest(
            claim,
            [
                .int8(node.number), .int4(want.shard.shard), .int8(want.shard.generation),
                .int8(want.lane), .int8(Int64(want.room)), .text(want.cursor.key),
                .textArray(busy.map(\.key.text)), .int8Array(busy.map { Int64($0.value) }),
            ]
        )
    }
}
