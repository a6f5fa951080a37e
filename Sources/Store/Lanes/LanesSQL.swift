// The SQL of the lane table.

internal import Postgres

enum LanesSQL {
    static let all = [ensure, create, update, load, list, page, find, named, counts]

    /// A lane as ``LaneRow`` reads it; `next` is the number its next event gets.
    private static func columns(next: String = "0::bigint") -> String {
        """
        l.id, l.name, s.name AS session, l.width, l.priority, l.shard_id, \(next) AS next_seq,
            \(LanePauseSQL.mark(lane: "l.id")), l.worker, \(LimitsSQL.rules("l")),
            \(LimitsSQL.mark("l"))
        """
    }

    /// The lane of that name in an active session, made when absent.
    static let ensure = PostgresStatement(
        "lanes.ensure",
        [.text, .text, .int8],
        """
        WITH owner AS (SELECT id FROM session WHERE name = $1 AND status = 'active'),
        made AS (
            INSERT INTO lane (session_id, name, width)
            SELECT id, $2, $3::bigint::integer FROM owner
            ON CONFLICT (session_id, name) DO NOTHING RETURNING id)
        SELECT id FROM made
        UNION ALL
        SELECT l.id FROM lane l JOIN owner o ON o.id = l.session_id WHERE l.name = $2
        LIMIT 1
        """
    )

    /// A lane that was not there, with the key of the request; nothing when it was, or when the
    /// session takes no more.
    static let create = PostgresStatement(
        "lanes.create",
        RequestKeysSQL.types + [.int8, .text, .int8, .int8, .text],
        """
        WITH made AS (
            INSERT INTO lane (session_id, name, width, priority, worker)
            SELECT s.id, $5, $6::integer, $7::integer, $8 FROM session s
            WHERE s.id = $4 AND s.status = 'active'
            ON CONFLICT (session_id, name) DO NOTHING RETURNING id),
        keyed AS (
            INSERT INTO request_key (\(RequestKeysSQL.columns))
            SELECT $1, $2, $3, 'lane', made.id FROM made WHERE $2 IS NOT NULL)
        SELECT id FROM made
        """
    )

    /// Sets what is given, if the lane still has the settings that its editor saw.
    static let update = PostgresStatement(
        "lanes.update",
        [.int8, .int8, .int8, .int8, .int8, .text, .text, .text, .text],
        """
        UPDATE lane l SET width = coalesce($2::bigint::integer, l.width),
            priority = coalesce($3::bigint::integer, l.priority),
            worker = coalesce($6, l.worker),
            \(ruleColumns)
        FROM session s
        WHERE l.id = $1 AND s.id = l.session_id
        AND ($4::bigint IS NULL OR l.width = $4) AND ($5::bigint IS NULL OR l.priority = $5)
        AND ($7 IS NULL OR l.worker = $7)
        AND ($9::text IS NULL OR \(LimitsSQL.rules("l"))::jsonb = $9::jsonb)
        AND ($8::text IS NULL OR (SELECT count(*) FROM rate_limit g
            WHERE $8::jsonb->8 ? g.name) = jsonb_array_length($8::jsonb->8))
        RETURNING \(columns())
        """
    )

    /// A lane's rules, `$8`; NULL leaves them.
    private static let ruleColumns =
        [
            ("key_width", "integer"), ("rate_count", "bigint"), ("rate_ms", "bigint"),
            ("rate_burst", "bigint"), ("key_rate_count", "bigint"), ("key_rate_ms", "bigint"),
            ("key_rate_burst", "bigint"), ("ageing_ms", "bigint"),
        ].enumerated().map { place, column in
            """
            \(column.0) = CASE WHEN $8::text IS NULL THEN l.\(column.0)
                ELSE ($8::jsonb->>\(place))::\(column.1) END
            """
        }.joined(separator: ", ") + """
            , limits = CASE WHEN $8::text IS NULL THEN l.limits
                ELSE ARRAY(SELECT jsonb_array_elements_text($8::jsonb->8)) END
            """

    /// What an owner needs to work a lane: its settings and where its log goes on.
    static let load = PostgresStatement(
        "lanes.load",
        [.int8Array],
        """
        SELECT \(columns(next: nextSequence))
        FROM lane l JOIN session s ON s.id = l.session_id
        WHERE l.id = ANY ($1)
        """
    )

    private static let nextSequence = """
        coalesce((SELECT e.first_seq + e.n FROM run_events e WHERE e.lane_id = l.id
                  ORDER BY e.first_seq DESC LIMIT 1), l.dropped_through + 1)::bigint
        """

    static let list = PostgresStatement(
        "lanes.list",
        [.text],
        """
        SELECT \(columns())
        FROM lane l JOIN session s ON s.id = l.session_id
        WHERE s.name = $1 ORDER BY l.name
        """
    )

    /// Lanes after `$2` of a session; those of child runs, which have a `/`, when asked for.
    static let page = PostgresStatement(
        "lanes.page",
        [.int8, .int8, .bool, .int8],
        """
        SELECT \(columns())
        FROM lane l JOIN session s ON s.id = l.session_id
        WHERE l.session_id = $1 AND l.id > $2 AND ($3 OR position('/' IN l.name) = 0)
        ORDER BY l.id LIMIT $4
        """
    )

    /// By name, else by number.
    static let find = PostgresStatement(
        "lanes.find",
        [.int8, .text, .int8],
        """
        SELECT \(columns())
        FROM lane l JOIN session s ON s.id = l.session_id
        WHERE l.session_id = $1 AND (l.name = $2 OR l.id = $3)
        ORDER BY l.name = $2 DESC LIMIT 1
        """
    )

    /// Numbers of the lanes with a name or number (`$3`, `$4`), in sessions with a name or number
    /// (`$1`, `$2`); NULL means any.
    static let named = PostgresStatement(
        "lanes.named",
        [.text, .int8, .text, .int8, .int8],
        """
        SELECT l.id FROM lane l JOIN session s ON s.id = l.session_id
        WHERE ($1 IS NULL OR s.name = $1 OR s.id = $2)
        AND ($3 IS NULL OR l.name = $3 OR l.id = $4) ORDER BY l.id LIMIT $5
        """
    )

    /// How many open runs each lane has of each status, and how its latest `$2` others ended.
    static let counts = PostgresStatement(
        "lanes.counts",
        [.int8Array, .int8],
        """
        SELECT q.lane_id, q.status, count(*) FROM (
            SELECT r.lane_id, r.status FROM run r
            WHERE r.lane_id = ANY ($1) AND \(RunsSQL.isOpen("r"))
            UNION ALL
            SELECT i.lane_id, latest.status FROM unnest($1) AS i (lane_id)
            CROSS JOIN LATERAL (
                SELECT r.status FROM run_done r
                WHERE r.lane_id = i.lane_id
                ORDER BY r.id DESC LIMIT $2) latest) q
        GROUP BY q.lane_id, q.status
        """
    )
}
