// The SQL of a lane's log.

internal import Postgres

enum EventsSQL {
    static let all = [read]

    /// Chunks from the one that holds `$2` on; the inner look-up finds it on the primary key.
    static let read = PostgresStatement(
        "events.read",
        [.int8, .int8, .int8],
        """
        SELECT first_seq, n, bytes FROM run_events
        WHERE lane_id = $1 AND first_seq >= coalesce(
            (SELECT e.first_seq FROM run_events e WHERE e.lane_id = $1 AND e.first_seq <= $2
             ORDER BY e.first_seq DESC LIMIT 1), 0)
        ORDER BY first_seq LIMIT $3
        """
    )
}
