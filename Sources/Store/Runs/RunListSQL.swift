// The SQL of lists of runs: every filter, newest first, by a bounded stretch of the table.

internal import Postgres
internal import PulserIR

enum RunListSQL {
    static let all = [
        page, lanesPage, walkedPage, count, lanesCount, walkedCount, open, frontWait, ended, start,
    ]

    /// The types of the filter's parameters, in every form of a stretch.
    static let filterTypes: [PostgresType] = [
        .int8, .textArray, .text, .int8, .int8Array, .text, .int8, .text, .int8, .text, .int8,
        .timestamptz, .timestamptz, .timestamptz, .timestamptz, .text, .text, .int8, .int8, .int8,
        .text, .text, .int8Array, .bool,
    ]

    /// What indexes can find, beside the lanes. A null or empty filter means any; the statement is
    /// planned for its values, so those cost nothing. `$3` is `only` for paused runs among the
    /// statuses, `too` for paused runs beside them, `any`; `$21` says that only `open` or `ended`
    /// runs are meant, or `dead` ones, which have ended, or `any`; `$23` are the runs themselves.
    private static let fits = """
        r.id < $1
        AND (cardinality($2) = 0 OR r.status = ANY ($2)
            OR ($3 = 'too' AND r.paused_by IS NOT NULL
                AND r.status IN ('queued', 'claimed', 'running', 'waiting')))
        AND ($3 <> 'only' OR r.paused_by IS NOT NULL)
        AND ($21 <> 'dead' OR \(DeadSQL.isDead("r")))
        AND (cardinality($23) = 0 OR r.id = ANY ($23))
        AND ($10 IS NULL OR r.template = $10)
        AND ($11 IS NULL OR r.parent_run = $11) AND ($22 IS NULL OR r.key = $22)
        AND ($12 IS NULL OR r.enqueued_at >= $12) AND ($13 IS NULL OR r.enqueued_at < $13)
        AND ($14 IS NULL OR r.finished_at >= $14) AND ($15 IS NULL OR r.finished_at < $15)
        """
    /// Texts only for who searches them: a stretch may have a million rows.
    private static let columns = """
        r.id, r.claim_no, r.plan_digest, r.status, CASE WHEN $17 IS NOT NULL THEN r.failure END AS failure,
        CASE WHEN $17 IS NOT NULL THEN r.inputs END AS inputs
        """

    /// The newest `$20` runs before `$1` that fit what indexes can find, and of those (`hit`) the
    /// ones that fit what they cannot: the plan's name, a text, and whether a schedule made them that
    /// went well, which `$24` leaves out. So a rare text costs no more than the stretch, and whoever wants more asks for the stretch before it. Lanes are looked up
    /// here when there are too many of them to name.
    static let stretch = """
        WITH stretch AS MATERIALIZED (
            SELECT \(columns) FROM run_any r WHERE \(fits)
            AND ($21 = 'any' OR r.is_done = ($21 <> 'open'))
            AND (($6 IS NULL AND $8 IS NULL) OR r.lane_id = ANY (ARRAY(
                SELECT l.id FROM lane l JOIN session s ON s.id = l.session_id
                WHERE ($6 IS NULL OR s.name = $6 OR s.id = $7)
                AND ($8 IS NULL OR l.name = $8 OR l.id = $9))))
            ORDER BY r.id DESC LIMIT $20),
        \(hit)
        """

    /// The same for lanes that are named, `$4` one or `$5` several: what is open has indexes of its
    /// own, and a lane's index has what ended.
    static let lanesStretch = inLanes(
        """
        SELECT \(columns) FROM run_done r WHERE \(wanted) AND \(fits)
        AND $21 <> 'open' ORDER BY r.id DESC LIMIT $20
        """
    )

    /// The same for several lanes and nothing else that narrows: the newest of each lane, from the
    /// end of its part of the index. However large the table and however old the lanes' runs are,
    /// no others are read.
    private static let walkedStretch = inLanes(
        """
        SELECT ended.* FROM unnest($5) AS wanted (lane_id) CROSS JOIN LATERAL (
            SELECT \(columns) FROM run_done r WHERE r.lane_id = wanted.lane_id AND \(fits)
            AND $21 <> 'open' ORDER BY r.id DESC LIMIT $20) ended
        """
    )

    private static let wanted = """
        ($4 IS NULL OR r.lane_id = $4) AND (cardinality($5) = 0 OR r.lane_id = ANY ($5))
        """

    private static func inLanes(_ ended: String) -> String {
        """
        WITH stretch AS MATERIALIZED (
            SELECT * FROM (
                (SELECT \(columns) FROM run r WHERE \(wanted) AND \(fits)
                 AND \(RunsSQL.isOpen("r")) AND $21 NOT IN ('ended', 'dead')
                 ORDER BY r.id DESC LIMIT $20)
                UNION ALL (\(ended))) r
            ORDER BY r.id DESC LIMIT $20),
        \(hit)
        """
    }

    private static let hit = """
        hit AS (
            SELECT c.id, c.claim_no FROM stretch c
            WHERE (NOT $24 OR c.status <> 'succeeded' OR NOT EXISTS (
                SELECT FROM schedule_run o WHERE o.run_id = c.id))
            AND ($16 IS NULL OR c.plan_digest IN (
                SELECT p.digest FROM plan p WHERE p.name = $16
                OR p.digest = CASE WHEN $16 ~ '^sha256:[0-9a-f]{64}$'
                    THEN decode(substr($16, 8), 'hex') END))
            AND ($17 IS NULL
                OR \(RunsSQL.scrambled("c.id")) BETWEEN $18 AND $19
                OR c.plan_digest IN (
                    SELECT p.digest FROM plan p
                    WHERE position(lower($17) IN lower(p.name)) > 0)
                OR \(isOpen("c.failure")) AND position(lower($17) IN lower(c.failure)) > 0
                OR \(isOpen("c.inputs")) AND position(lower($17) IN lower(c.inputs)) > 0))
        """

    /// What is sealed has no words that somebody could mean.
    private static func isOpen(_ text: String) -> String {
        "\(text) NOT LIKE '\(SealRing.mark)%'"
    }

    /// A page with the bounds of its stretch, which are told even when nothing fits.
    private static let found = """
        SELECT b.n, b.low, q.* FROM (SELECT count(*) AS n, min(id) AS low FROM stretch) b
        LEFT JOIN (
            SELECT \(RunsSQL.columns) WHERE r.id IN (
                SELECT hit.id FROM hit ORDER BY hit.id DESC LIMIT $25)) q ON true
        ORDER BY q.id DESC
        """
    private static let counted = "SELECT (SELECT count(*) FROM hit), (SELECT count(*) FROM stretch)"

    private static func page(_ name: String, _ stretch: String) -> PostgresStatement {
        PostgresStatement(name, filterTypes + [.int8], "\(stretch) \(found)")
    }
    private static func count(_ name: String, _ stretch: String) -> PostgresStatement {
        PostgresStatement(name, filterTypes, "\(stretch) \(counted)")
    }

    static let page = page("runs.page", stretch)
    static let lanesPage = page("runs.page_in_lanes", lanesStretch)
    static let walkedPage = page("runs.page_of_lanes", walkedStretch)
    static let count = count("runs.count", stretch)
    static let lanesCount = count("runs.count_in_lanes", lanesStretch)
    static let walkedCount = count("runs.count_of_lanes", walkedStretch)

    /// What has not ended, by status and lane; partial indexes hold just that.
    static let open = PostgresStatement(
        "runs.count_open",
        [.int8],
        """
        SELECT r.status, count(*) FROM run r
        WHERE \(RunsSQL.isOpen("r"))
        AND ($1 IS NULL OR r.lane_id IN (SELECT l.id FROM lane l WHERE l.session_id = $1))
        GROUP BY r.status
        """
    )

    /// How long, in microseconds, the run has been ready that is at the front of its lane, or of its
    /// key there, for longest: hops from front to front on the indexes, in the first 2,000 lanes
    /// without keys and to the first 2,000 keys.
    static let frontWait = PostgresStatement(
        "runs.front_wait",
        [],
        """
        WITH RECURSIVE
        plain AS (
            (\(front(isKeyed: false, behind: nil)))
            UNION ALL SELECT n.* FROM plain f
            CROSS JOIN LATERAL (\(front(isKeyed: false, behind: "r.lane_id > f.lane_id"))) n),
        keyed AS (
            (\(front(isKeyed: true, behind: nil)))
            UNION ALL SELECT n.* FROM keyed f CROSS JOIN LATERAL (
                \(front(isKeyed: true, behind: "(r.lane_id, r.key) > (f.lane_id, f.key)"))) n)
        SELECT (extract(epoch FROM max(now() - f.ready_at)) * 1000000)::bigint
        FROM ((SELECT * FROM plain LIMIT 2000) UNION ALL (SELECT * FROM keyed LIMIT 2000)) f
        WHERE \(LanePauseSQL.isOpen(lane: "f.lane_id"))
        """
    )
    private static func front(isKeyed: Bool, behind: String?) -> String {
        """
        SELECT r.lane_id, r.key, \(RunsSQL.readyAt("r")) AS ready_at FROM run r
        WHERE \(RunsSQL.isReady("r", isKeyed: isKeyed)) \(behind.map { "AND \($0)" } ?? "")
        ORDER BY r.lane_id, \(isKeyed ? "r.key, " : "")r.rank, r.id LIMIT 1
        """
    }

    /// What ended since a time.
    static let ended = PostgresStatement(
        "runs.count_ended",
        [.int8, .timestamptz],
        """
        SELECT r.status, count(*) FROM run_done r
        WHERE r.finished_at >= $2
        AND ($1 IS NULL OR r.lane_id IN (SELECT l.id FROM lane l WHERE l.session_id = $1))
        GROUP BY r.status
        """
    )

    /// One run under a key, or none when the key is taken: the second of two at once waits for the
    /// first's commit and then finds the key. A lane that is closed or a plan that is unknown
    /// becomes a NULL that its column refuses, and with it the key. FOR SHARE as in `enqueue`.
    static let start = PostgresStatement(
        "runs.start",
        [
            .text, .text, .bytea, .int8, .bytea, .int4, .text, .int8, .text, .text,
            .text,
        ],
        """
        WITH keyed AS (
            INSERT INTO request_key (\(RequestKeysSQL.columns))
            SELECT $1, $2, $3, 'run', nextval('run_id') WHERE $2 IS NOT NULL
            ON CONFLICT (tenant, key) DO NOTHING RETURNING made_id),
        next AS (
            SELECT made_id AS id FROM keyed
            UNION ALL SELECT nextval('run_id') WHERE $2 IS NULL),
        open AS MATERIALIZED (
            SELECT l.id, l.shard_id, l.ageing_ms FROM lane l
            JOIN session s ON s.id = l.session_id AND s.status = 'active'
            WHERE l.id = $4 FOR SHARE OF s)
        INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, due_at, template,
                         started_by, key, is_delayed, rank)
        SELECT next.id, $4, (SELECT shard_id FROM open),
               \(PlansSQL.held("$5")), $6, $7,
               now() + $8 * interval '1 ms', $9, $10, $11, $8 > 0,
               run_rank(now() + $8 * interval '1 ms', $6, (SELECT ageing_ms FROM open))
        FROM next RETURNING id
        """
    )
}
