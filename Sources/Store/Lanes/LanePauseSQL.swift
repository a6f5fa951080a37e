// The SQL of pauses of sessions, lanes and keys.

internal import Postgres

enum LanePauseSQL {
    static let all = [pauseSession, resumeSession, pauseLane, resumeLane, lanes, keys]

    /// Whether a lane takes runs as far as pauses go. Child runs are part of runs under way, and a
    /// session's pause lets those end.
    static func isOpen(lane: String) -> String {
        """
        (NOT EXISTS (SELECT FROM lane_pause p WHERE p.lane_id = \(lane) AND p.key = '')
            AND NOT EXISTS (SELECT FROM lane o JOIN session_pause p ON p.session_id = o.session_id
                WHERE o.id = \(lane) AND position('/' IN o.name) = 0))
        """
    }

    /// A pause as ``PauseMark`` reads it, in one column; NULL when there is none.
    static func mark(session: String) -> String {
        "(SELECT \(mark) FROM session_pause p WHERE p.session_id = \(session))"
    }

    static func mark(lane: String) -> String {
        "(SELECT \(mark) FROM lane_pause p WHERE p.lane_id = \(lane) AND p.key = '')"
    }

    private static let mark = """
        ARRAY[p.paused_by, floor(extract(epoch FROM p.paused_at) * 1000)::bigint::text, p.reason]
        """

    /// What is paused stays as it was paused; a session that has ended cannot be.
    static let pauseSession = PostgresStatement(
        "session_pause.pause",
        [.int8, .text, .text],
        """
        INSERT INTO session_pause (session_id, paused_by, reason)
        SELECT s.id, $2, $3 FROM session s WHERE s.id = $1 AND s.status = 'active'
        ON CONFLICT (session_id) DO NOTHING
        """
    )

    static let resumeSession = PostgresStatement(
        "session_pause.resume",
        [.int8],
        "DELETE FROM session_pause WHERE session_id = $1 RETURNING session_id"
    )

    static let pauseLane = PostgresStatement(
        "lane_pause.pause",
        [.int8, .text, .text, .text],
        """
        INSERT INTO lane_pause (lane_id, key, paused_by, reason) VALUES ($1, $2, $3, $4)
        ON CONFLICT (lane_id, key) DO NOTHING
        """
    )

    static let resumeLane = PostgresStatement(
        "lane_pause.resume",
        [.int8, .text],
        "DELETE FROM lane_pause WHERE lane_id = $1 AND key = $2 RETURNING lane_id"
    )

    /// The lanes of a session that may have been kept from taking runs.
    static let lanes = PostgresStatement(
        "session_pause.lanes",
        [.int8, .int8],
        """
        SELECT l.id FROM lane l WHERE l.session_id = $1 AND position('/' IN l.name) = 0
        ORDER BY l.id LIMIT $2
        """
    )

    /// Keys of a lane that are paused, after `$2`.
    static let keys = PostgresStatement(
        "lane_pause.keys",
        [.int8, .text, .int8],
        """
        SELECT p.key, \(mark) FROM lane_pause p
        WHERE p.lane_id = $1 AND p.key > $2 AND p.key <> '' ORDER BY p.key LIMIT $3
        """
    )
}
