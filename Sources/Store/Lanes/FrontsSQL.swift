// The SQL of fronts: what can be claimed before what a lane has taken.

internal import Postgres

enum FrontsSQL {
    static let all = [fronts]

    /// Of each lane the first and the last run that can be claimed up to a place in its queue, how many
    /// there are, at most `$4` from the first on, and how long it took until that was known, in
    /// microseconds since the statement began. A lane that takes no runs now, or has limits, is not
    /// read. Reads what was claimed for as long as somebody's transaction keeps it. Lanes are read one
    /// after the other.
    static let fronts = PostgresStatement(
        "lanes.fronts",
        [.int8Array, .int8Array, .int8Array, .int8],
        """
        SELECT i.lane_id, i.is_plain, f.rank, f.id, f.last_rank, f.last_id, f.n,
            (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::bigint
        FROM (SELECT u.*, \(LimitsSQL.isPlain(lane: "u.lane_id")) AS is_plain
            FROM unnest($1, $2, $3) AS u (lane_id, rank, id) OFFSET 0) i
        LEFT JOIN LATERAL (
            SELECT q.rank, q.id, count(*) OVER whole AS n,
                last_value(q.rank) OVER whole AS last_rank, last_value(q.id) OVER whole AS last_id
            FROM (
                SELECT r.rank, r.id FROM run r
                WHERE i.is_plain AND r.lane_id = i.lane_id AND \(RunsSQL.isReady("r"))
                AND (r.rank, r.id) <= (i.rank, i.id)
                ORDER BY r.rank, r.id LIMIT $4) q
            WINDOW whole AS (ORDER BY q.rank, q.id
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
            ORDER BY q.rank, q.id LIMIT 1) f ON true
        """
    )
}
