// The SQL of statistics: what ended in a time, in buckets, by lane and by template, counted and measured apart.

internal import Postgres

enum StatsSQL {
    static let all = [counts, times, queue]

    /// What ended in `$3` buckets of `$2` ms from `$1` on, of some lanes (`$4`, NULL: all) or a template
    /// (`$5`), and in which bucket.
    private static let bucket = """
        floor(date_part('epoch', r.finished_at - $1) * 1000 / $2)::bigint AS n
        """
    private static let isMeant = """
        r.finished_at >= $1 AND r.finished_at < $1 + $2 * $3 * interval '1 ms'
        AND ($4 IS NULL OR r.lane_id = ANY ($4)) AND ($5 IS NULL OR r.template = $5)
        """

    /// How those ended: a row for each bucket, each lane, and each template with each plan; `kind` says
    /// which. Of the last two the `$7` with most runs, and how many there are. At most `$6` runs are
    /// counted: with as many it tells nothing of use, since it is not known which.
    static let counts = PostgresStatement(
        "stats.counts",
        [.timestamptz, .int8, .int8, .int8Array, .text, .int8, .int8],
        """
        WITH seen AS (
            SELECT \(bucket), r.lane_id, r.template, r.plan_digest, r.status
            FROM run_done r WHERE \(isMeant) LIMIT $6),
        groups AS (
            SELECT CASE WHEN grouping(s.n) = 0 THEN 0 WHEN grouping(s.lane_id) = 0 THEN 1 ELSE 2 END AS kind,
                s.n, s.lane_id, s.template, s.plan_digest,
                count(*) FILTER (WHERE s.status = 'succeeded') AS succeeded,
                count(*) FILTER (WHERE s.status = 'failed') AS failed,
                count(*) FILTER (WHERE s.status = 'cancelled') AS cancelled,
                count(*) FILTER (WHERE s.status = 'timed_out') AS timed_out,
                count(*) AS ended
            FROM seen s GROUP BY GROUPING SETS ((s.n), (s.lane_id), (s.template, s.plan_digest))),
        ranked AS (
            SELECT g.*, row_number() OVER (PARTITION BY g.kind ORDER BY g.ended DESC) AS nth,
                count(*) OVER (PARTITION BY g.kind) AS kinds
            FROM groups g)
        SELECT g.kind, g.n, g.lane_id, g.template, p.name,
            g.succeeded, g.failed, g.cancelled, g.timed_out, o.name, l.name, g.kinds
        FROM ranked g LEFT JOIN plan p ON p.digest = g.plan_digest
        LEFT JOIN lane l ON l.id = g.lane_id LEFT JOIN session o ON o.id = l.session_id
        WHERE g.kind = 0 OR g.nth <= $7
        """
    )

    /// How long those took and waited, of `$6` in 1,048,576 of them: a run's number decides, so that they
    /// are spread over all buckets. Rows as above, by the plan's name.
    static let times = PostgresStatement(
        "stats.times",
        [.timestamptz, .int8, .int8, .int8Array, .text, .int8, .int8],
        """
        WITH seen AS (
            SELECT \(bucket), r.lane_id, r.template, r.plan_digest,
                (extract(epoch FROM r.finished_at - r.started_at) * 1000)::bigint AS run_ms,
                greatest(0, (extract(epoch FROM r.started_at - \(RunsSQL.readyAt("r")))
                    * 1000)::bigint) AS wait_ms
            FROM run_done r WHERE \(isMeant) AND (hashint8(r.id) & 1048575) < $6),
        groups AS (
            SELECT CASE WHEN grouping(s.n) = 0 THEN 0 WHEN grouping(s.lane_id) = 0 THEN 1 ELSE 2 END AS kind,
                s.n, s.lane_id, s.template, p.name,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY s.run_ms) AS run_half,
                percentile_disc(0.95) WITHIN GROUP (ORDER BY s.run_ms) AS run_most,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY s.wait_ms) AS wait_half,
                percentile_disc(0.95) WITHIN GROUP (ORDER BY s.wait_ms) AS wait_most,
                count(*) AS ended
            FROM seen s LEFT JOIN plan p ON p.digest = s.plan_digest
            GROUP BY GROUPING SETS ((s.n), (s.lane_id), (s.template, p.name))),
        ranked AS (
            SELECT g.*, row_number() OVER (PARTITION BY g.kind ORDER BY g.ended DESC) AS nth
            FROM groups g)
        SELECT g.kind, g.n, g.lane_id, g.template, g.name,
            g.run_half, g.run_most, g.wait_half, g.wait_most
        FROM ranked g WHERE g.kind = 0 OR g.nth <= $7
        """
    )

    /// How much the first `$2` of these lanes (`$1`; NULL: of all) that have something have ready, counted
    /// up to `$3`, and how long the oldest of those, and of the `$4` that come last, has been. Hops from
    /// lane to lane on the indexes.
    static let queue = PostgresStatement(
        "stats.queue",
        [.int8Array, .int8, .int8, .int8],
        """
        WITH RECURSIVE
        plain AS (
            (\(lane(isKeyed: false, after: nil)))
            UNION ALL SELECT n.* FROM plain f
            CROSS JOIN LATERAL (\(lane(isKeyed: false, after: "f.lane_id"))) n),
        keyed AS (
            (\(lane(isKeyed: true, after: nil)))
            UNION ALL SELECT n.* FROM keyed f
            CROSS JOIN LATERAL (\(lane(isKeyed: true, after: "f.lane_id"))) n),
        wanted AS MATERIALIZED (
            SELECT i.lane_id FROM unnest($1) AS i (lane_id)
            WHERE coalesce((\(first(isKeyed: false))), (\(first(isKeyed: true)))) IS NOT NULL
            UNION SELECT h.lane_id FROM (SELECT p.lane_id FROM plain p LIMIT $2) h WHERE $1 IS NULL
            UNION SELECT h.lane_id FROM (SELECT k.lane_id FROM keyed k LIMIT $2) h WHERE $1 IS NULL
            ORDER BY 1 LIMIT $2)
        SELECT s.name, l.name, c.n, c.oldest_ms FROM wanted w
        JOIN lane l ON l.id = w.lane_id JOIN session s ON s.id = l.session_id
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE NOT q.is_end) AS n,
                (extract(epoch FROM now() - min(q.ready_at)) * 1000)::bigint AS oldest_ms
            FROM (
                (\(ready(isKeyed: false))) UNION ALL (\(ready(isKeyed: true)))
                UNION ALL (\(ready(isKeyed: false, isEnd: true)))
                UNION ALL (\(ready(isKeyed: true, isEnd: true)))) q) c
        WHERE c.n > 0 ORDER BY s.name, l.name
        """
    )

    private static func lane(isKeyed: Bool, after: String?) -> String {
        """
        SELECT r.lane_id FROM run r WHERE $1 IS NULL AND \(RunsSQL.isReady("r", isKeyed: isKeyed))
        \(after.map { "AND r.lane_id > \($0)" } ?? "") ORDER BY r.lane_id LIMIT 1
        """
    }
    private static func first(isKeyed: Bool) -> String {
        """
        SELECT r.lane_id FROM run r
        WHERE r.lane_id = i.lane_id AND \(RunsSQL.isReady("r", isKeyed: isKeyed)) LIMIT 1
        """
    }
    private static func ready(isKeyed: Bool, isEnd: Bool = false) -> String {
        let order = (isKeyed ? ["r.key", "r.rank", "r.id"] : ["r.rank", "r.id"])
            .map { isEnd ? "\($0) DESC" : $0 }.joined(separator: ", ")
        return """
            SELECT \(isEnd) AS is_end, \(RunsSQL.readyAt("r")) AS ready_at FROM run r
            WHERE r.lane_id = w.lane_id AND \(RunsSQL.isReady("r", isKeyed: isKeyed))
            ORDER BY \(order) LIMIT \(isEnd ? "$4" : "$3")
            """
    }
}
