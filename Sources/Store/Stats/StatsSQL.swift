// The SQL of statistics: what ended in a time, in buckets, by lane and by template, from a bounded number of runs.

internal import Postgres

enum StatsSQL {
    static let all = [ended, endedIn, queue]

    private static let columns = """
        r.lane_id, r.plan_digest, r.template, r.status,
        (extract(epoch FROM r.finished_at - r.started_at) * 1000)::bigint AS run_ms,
        greatest(0, (extract(epoch FROM r.started_at - \(RunsSQL.readyAt("r")))
            * 1000)::bigint) AS wait_ms
        """
    private static let buckets = """
        bucket AS (
            SELECT n, $1 + n * $2 * interval '1 ms' AS at FROM generate_series(0, $3 - 1) n)
        """

    /// Of `$3` buckets of `$2` ms from `$1` on at most `$4` runs each, whichever come first.
    static let ended = PostgresStatement(
        "stats.ended",
        [.timestamptz, .int8, .int8, .int8],
        """
        WITH \(buckets),
        seen AS MATERIALIZED (
            SELECT b.n, q.* FROM bucket b CROSS JOIN LATERAL (
                SELECT \(columns) FROM run_done r
                WHERE r.finished_at >= b.at AND r.finished_at < b.at + $2 * interval '1 ms'
                LIMIT $4) q)
        \(summary)
        """
    )

    /// The same for some lanes (`$5`, NULL: all) or a template (`$6`): the newest `$4 * $3` runs.
    static let endedIn = PostgresStatement(
        "stats.ended_in",
        [.timestamptz, .int8, .int8, .int8, .int8Array, .text],
        """
        WITH seen AS MATERIALIZED (
            SELECT floor(extract(epoch FROM q.finished_at - $1) * 1000 / $2)::bigint AS n, q.*
            FROM (
                SELECT r.finished_at, \(columns) FROM run_done r
                WHERE r.finished_at >= $1 AND r.finished_at < $1 + $2 * $3 * interval '1 ms'
                AND ($5 IS NULL OR r.lane_id = ANY ($5)) AND ($6 IS NULL OR r.template = $6)
                ORDER BY r.id DESC LIMIT $3 * $4) q)
        \(summary)
        """
    )

    /// A row for each bucket, each lane, and each template or, without one, plan; `kind` says which.
    private static let summary = """
        SELECT CASE WHEN grouping(s.n) = 0 THEN 0 WHEN grouping(s.lane_id) = 0 THEN 1 ELSE 2 END,
            s.n, s.lane_id, s.template, p.name,
            count(*) FILTER (WHERE s.status = 'succeeded'),
            count(*) FILTER (WHERE s.status = 'failed'),
            count(*) FILTER (WHERE s.status = 'cancelled'),
            count(*) FILTER (WHERE s.status = 'timed_out'),
            percentile_disc(0.5) WITHIN GROUP (ORDER BY s.run_ms),
            percentile_disc(0.95) WITHIN GROUP (ORDER BY s.run_ms),
            percentile_disc(0.5) WITHIN GROUP (ORDER BY s.wait_ms),
            percentile_disc(0.95) WITHIN GROUP (ORDER BY s.wait_ms),
            (SELECT o.name FROM lane l JOIN session o ON o.id = l.session_id WHERE l.id = s.lane_id),
            (SELECT l.name FROM lane l WHERE l.id = s.lane_id)
        FROM seen s LEFT JOIN plan p ON p.digest = s.plan_digest
        GROUP BY GROUPING SETS ((s.n), (s.lane_id), (s.template, p.name))
        ORDER BY 1, s.n, count(*) DESC, s.lane_id, s.template, p.name
        """

    /// How much each of these lanes (`$1`; NULL: the first `$2` that have something) has ready, counted
    /// up to `$3`, and how long the oldest of those has been. Hops from lane to lane on the indexes.
    static let queue = PostgresStatement(
        "stats.queue",
        [.int8Array, .int8, .int8],
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
            UNION SELECT h.lane_id FROM (SELECT p.lane_id FROM plain p LIMIT $2) h WHERE $1 IS NULL
            UNION SELECT h.lane_id FROM (SELECT k.lane_id FROM keyed k LIMIT $2) h WHERE $1 IS NULL
            ORDER BY 1 LIMIT $2)
        SELECT s.name, l.name, c.n, c.oldest_ms FROM wanted w
        JOIN lane l ON l.id = w.lane_id JOIN session s ON s.id = l.session_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS n,
                (extract(epoch FROM now() - min(q.ready_at)) * 1000)::bigint AS oldest_ms
            FROM (
                (\(ready(isKeyed: false))) UNION ALL (\(ready(isKeyed: true)))) q) c
        WHERE c.n > 0 ORDER BY s.name, l.name
        """
    )

    private static func lane(isKeyed: Bool, after: String?) -> String {
        """
        SELECT r.lane_id FROM run r WHERE $1 IS NULL AND \(RunsSQL.isReady("r", isKeyed: isKeyed))
        \(after.map { "AND r.lane_id > \($0)" } ?? "") ORDER BY r.lane_id LIMIT 1
        """
    }
    private static func ready(isKeyed: Bool) -> String {
        """
        SELECT \(RunsSQL.readyAt("r")) AS ready_at FROM run r
        WHERE r.lane_id = w.lane_id AND \(RunsSQL.isReady("r", isKeyed: isKeyed)) LIMIT $3
        """
    }
}
