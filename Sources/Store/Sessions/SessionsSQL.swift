// The SQL of the session table.

internal import Postgres

enum SessionsSQL {
    static let all = [create, list, close, archive, ensureDefault]

    static let create = PostgresStatement(
        "sessions.create",
        [.text, .text],
        """
        INSERT INTO session (name, intent) VALUES ($1, $2)
        ON CONFLICT (name) DO NOTHING RETURNING id
        """
    )

    static let ensureDefault = PostgresStatement(
        "sessions.ensure_default",
        [.text],
        "INSERT INTO session (name) VALUES ($1) ON CONFLICT (name) DO NOTHING"
    )

    static let list = PostgresStatement(
        "sessions.list",
        [.bool],
        """
        SELECT s.id, s.name, s.status, s.intent,
               (extract(epoch FROM s.created_at) * 1000)::bigint AS created_ms,
               (SELECT count(*) FROM lane l WHERE l.session_id = s.id) AS lanes,
               (SELECT count(*) FROM run r JOIN lane l ON l.id = r.lane_id
                WHERE l.session_id = s.id
                AND r.status IN ('queued', 'claimed', 'running', 'waiting')) AS open_runs
        FROM session s WHERE $1 OR s.status = 'active' ORDER BY s.id
        """
    )

    /// Keeps enqueues out until the end of the transaction, after those under way; it locks one row
    /// before any other, so nobody waits in a circle. A statement of its own, because the next one
    /// must see the runs of those it waited for.
    static let close = PostgresStatement(
        "sessions.close",
        [.text],
        "SELECT id FROM session WHERE name = $1 FOR NO KEY UPDATE"
    )

    /// Only a session without open runs can be archived.
    static let archive = PostgresStatement(
        "sessions.archive",
        [.text],
        """
        UPDATE session s SET status = 'archived', ended_at = now()
        WHERE s.name = $1 AND s.status = 'active' AND NOT EXISTS (
            SELECT 1 FROM run r JOIN lane l ON l.id = r.lane_id
            WHERE l.session_id = s.id
            AND r.status IN ('queued', 'claimed', 'running', 'waiting'))
        RETURNING s.id
        """
    )
}
