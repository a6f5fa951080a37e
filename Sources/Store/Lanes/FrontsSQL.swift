// The SQL of fronts: what can be claimed before what a lane has taken.

internal import Postgres

enum FrontsSQL {
    static let all = [fronts]

    /// Of each lane the first run that can be claimed up to a place in its queue, and how long it took
    /// until that was known, in microseconds since the statement began. Reads what was claimed there
    /// for as long as somebody's transaction keeps it. Lanes are read one after the other.
    static let fronts = PostgresStatement(
        "lanes.fronts",
        [.int8Array, .int8Array, .int8Array],
        """
        SELECT i.lane_id, f.rank, f.id,
            (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::bigint
        FROM unnest($1, $2, $3) AS i (lane_id, rank, id)
        LEFT JOIN LATERAL (
            SELECT r.rank, r.id FROM run r
            WHERE r.lane_id = i.lane_id AND \(RunsSQL.isReady("r"))
            AND (r.rank, r.id) <= (i.rank, i.id)
            ORDER BY r.rank, r.id LIMIT 1) f ON true
        """
    )
}
