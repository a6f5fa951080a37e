// The SQL of lists of runs: every filter, newest first, by a bounded stretch of the table.

internal import Postgres
internal import PulserIR

enum RunListSQL {
    static let all = [page, count, open, ended, keyed, start]

    /// The types of ``stretch``'s parameters.
    static let filterTypes: [PostgresType] = [
        .int8, .textArray, .text, .int8, .text, .int8, .text, .int8, .timestamptz, .timestamptz,
        .timestamptz, .timestamptz, .text, .text, .int8, .int8, .int8,
    ]

    /// The newest `$17` runs before `$1` that fit what indexes can find, and of those (`hit`) the
    /// ones that fit what they cannot: the plan's name and a text. So a rare text costs no more
    /// than the stretch, and whoever wants more asks for the stretch before it. A null or empty
    /// filter means any; the statement is planned for its values, so those cost nothing. Among the
    /// statuses `paused` narrows them to paused runs, `or_paused` widens them by paused runs.
    static let stretch = """
        WITH stretch AS MATERIALIZED (
            SELECT r.id, r.claim_no, r.status, r.plan_digest, r.failure, r.inputs FROM run r
            WHERE r.id < $1
            AND (cardinality($2) = 0 OR r.status = ANY (array_remove($2, 'or_paused'))
                OR ('or_paused' = ANY ($2) AND r.paused_by IS NOT NULL
                    AND r.status IN ('queued', 'claimed', 'running', 'waiting')))
            AND ('paused' <> ALL ($2) OR r.paused_by IS NOT NULL)
            AND (($3 IS NULL AND $5 IS NULL) OR r.lane_id = ANY (ARRAY(
                SELECT l.id FROM lane l JOIN session s ON s.id = l.session_id
                WHERE ($3 IS NULL OR s.name = $3 OR s.id = $4)
                AND ($5 IS NULL OR l.name = $5 OR l.id = $6))))
            AND ($7 IS NULL OR r.template = $7)
            AND ($8 IS NULL OR r.parent_run = $8)
            AND ($9 IS NULL OR r.enqueued_at >= $9) AND ($10 IS NULL OR r.enqueued_at < $10)
            AND ($11 IS NULL OR r.finished_at >= $11) AND ($12 IS NULL OR r.finished_at < $12)
            ORDER BY r.id DESC LIMIT $17),
        hit AS (
            SELECT c.id, c.claim_no FROM stretch c
            WHERE ($13 IS NULL OR c.plan_digest IN (
                SELECT p.digest FROM plan p WHERE p.name = $13))
            AND ($14 IS NULL
                OR mod(c.id::numeric * \(RunID.multiplier), 1099511627776) BETWEEN $15 AND $16
                OR c.plan_digest IN (
                    SELECT p.digest FROM plan p
                    WHERE position(lower($14) IN lower(p.name)) > 0)
                OR position(lower($14) IN lower(c.failure)) > 0
                OR position(lower($14) IN lower(c.inputs)) > 0))
        """

    /// A page with the bounds of its stretch, which are told even when nothing fits.
    static let page = PostgresStatement(
        "runs.page",
        filterTypes + [.int8],
        """
        \(stretch)
        SELECT b.n, b.low, q.* FROM (SELECT count(*) AS n, min(id) AS low FROM stretch) b
        LEFT JOIN (
            SELECT \(RunsSQL.columns) WHERE r.id IN (
                SELECT hit.id FROM hit ORDER BY hit.id DESC LIMIT $18)) q ON true
        ORDER BY q.id DESC
        """
    )

    static let count = PostgresStatement(
        "runs.count",
        filterTypes,
        "\(stretch) SELECT (SELECT count(*) FROM hit), (SELECT count(*) FROM stretch)"
    )

    /// What has not ended, by status and lane; partial indexes hold just that.
    static let open = PostgresStatement(
        "runs.count_open",
        [.int8],
        """
        SELECT r.status, count(*) FROM run r
        WHERE r.status IN ('queued', 'claimed', 'running', 'waiting')
        AND ($1 IS NULL OR r.lane_id IN (SELECT l.id FROM lane l WHERE l.session_id = $1))
        GROUP BY r.status
        """
    )

    /// What ended since a time.
    static let ended = PostgresStatement(
        "runs.count_ended",
        [.int8, .timestamptz],
        """
        SELECT r.status, count(*) FROM run r
        WHERE r.finished_at >= $2
        AND r.status IN ('succeeded', 'failed', 'cancelled', 'timed_out')
        AND ($1 IS NULL OR r.lane_id IN (SELECT l.id FROM lane l WHERE l.session_id = $1))
        GROUP BY r.status
        """
    )

    static let keyed = PostgresStatement(
        "runs.keyed",
        [.text, .text],
        "SELECT run_id, digest FROM run_key WHERE tenant = $1 AND key = $2"
    )

    /// One run under a key, or none when the key is taken: the second of two at once waits for the
    /// first's commit and then finds the key. A lane that is closed or a plan that is unknown
    /// becomes a NULL that its column refuses, and with it the key. FOR SHARE as in `enqueue`.
    static let start = PostgresStatement(
        "runs.start",
        [
            .text, .text, .bytea, .int8, .bytea, .int4, .text, .int8, .text,
        ],
        """
        WITH keyed AS (
            INSERT INTO run_key (tenant, key, digest, run_id)
            SELECT $1, $2, $3, nextval('run_id') WHERE $2 IS NOT NULL
            ON CONFLICT (tenant, key) DO NOTHING RETURNING run_id),
        next AS (
            SELECT run_id AS id FROM keyed
            UNION ALL SELECT nextval('run_id') WHERE $2 IS NULL),
        open AS MATERIALIZED (
            SELECT l.id, l.shard_id FROM lane l
            JOIN session s ON s.id = l.session_id AND s.status = 'active'
            WHERE l.id = $4 FOR SHARE OF s)
        INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, due_at, template)
        SELECT next.id, $4, (SELECT shard_id FROM open),
               (SELECT p.digest FROM plan p WHERE p.digest = $5), $6, $7,
               now() + $8 * interval '1 ms', $9
        FROM next RETURNING id
        """
    )
}
