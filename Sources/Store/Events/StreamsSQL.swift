// The SQL that event streams read by: where lanes' logs begin and end, pages of them, states of runs.

internal import Postgres

enum StreamsSQL {
    static let all = [
        cluster, bounds, page, activeLanes, sessionLanes, knownLanes, laneSessions, summary, ended,
        open,
    ]

    static let cluster = PostgresStatement(
        "streams.cluster",
        [],
        "SELECT cluster_id::text FROM cluster"
    )

    /// The last event that is no longer kept, and the last there is; both ends of the primary key.
    static let bounds = PostgresStatement(
        "streams.bounds",
        [.int8Array],
        """
        SELECT i.lane,
            coalesce((SELECT e.first_seq - 1 FROM run_events e WHERE e.lane_id = i.lane
                      ORDER BY e.first_seq LIMIT 1), l.dropped_through, 0)::bigint,
            coalesce((SELECT e.first_seq + e.n - 1 FROM run_events e WHERE e.lane_id = i.lane
                      ORDER BY e.first_seq DESC LIMIT 1), l.dropped_through, 0)::bigint
        FROM unnest($1) AS i (lane) LEFT JOIN lane l ON l.id = i.lane
        """
    )

    /// Chunks from the one that holds `$2` on, until they have `$3` bytes together. A length is known
    /// without reading the value.
    static let page = PostgresStatement(
        "streams.page",
        [.int8, .int8, .int8],
        """
        SELECT first_seq, n, bytes FROM (
            SELECT e.first_seq, e.n, e.bytes,
                sum(octet_length(e.bytes)) OVER (ORDER BY e.first_seq) - octet_length(e.bytes)
                    AS bytes_before
            FROM (
                SELECT first_seq, n, bytes FROM run_events
                WHERE lane_id = $1 AND first_seq >= coalesce(
                    (SELECT e.first_seq FROM run_events e
                     WHERE e.lane_id = $1 AND e.first_seq <= $2
                     ORDER BY e.first_seq DESC LIMIT 1), 0)
                ORDER BY first_seq LIMIT 500) e) sized
        WHERE bytes_before < $3 ORDER BY first_seq
        """
    )

    static let activeLanes = PostgresStatement(
        "streams.active_lanes",
        [],
        """
        SELECT l.id FROM lane l JOIN session s ON s.id = l.session_id
        WHERE s.status = 'active' ORDER BY l.id
        """
    )

    /// One row with NULL for a session without lanes, none for no session.
    static let sessionLanes = PostgresStatement(
        "streams.session_lanes",
        [.int8],
        """
        SELECT l.id FROM session s LEFT JOIN lane l ON l.session_id = s.id
        WHERE s.id = $1 ORDER BY l.id
        """
    )

    static let knownLanes = PostgresStatement(
        "streams.known_lanes",
        [.int8Array],
        "SELECT id FROM lane WHERE id = ANY ($1) ORDER BY id"
    )

    static let laneSessions = PostgresStatement(
        "streams.lane_sessions",
        [.int8Array],
        """
        SELECT l.id, l.session_id FROM lane l JOIN session s ON s.id = l.session_id
        WHERE l.id = ANY ($1) AND s.status = 'active'
        """
    )

    private static let columns = """
        id, lane_id, status, attempt, coalesce(first_seq, 0), coalesce(last_seq, 0), failure,
        wait_reason
        """

    static let summary = PostgresStatement(
        "streams.summary",
        [.int8],
        "SELECT \(columns) FROM run_any WHERE id = $1"
    )

    static let ended = PostgresStatement(
        "streams.ended",
        [.int8Array],
        """
        SELECT \(columns) FROM run_done WHERE id = ANY ($1)
        """
    )

    /// On the indexes of what has not ended; finished runs are not looked at.
    static let open = PostgresStatement(
        "streams.open",
        [.int8Array, .int8, .int8],
        """
        SELECT \(columns) FROM run WHERE lane_id = ANY ($1) AND id < $2
        AND \(RunsSQL.isOpen("run"))
        ORDER BY id DESC LIMIT $3
        """
    )
}
