// The SQL of the table of browsers' sessions.

internal import Postgres

enum BrowserSessionsSQL {
    static let all = [create, live, touch, end, sweep]

    static let create = PostgresStatement(
        "browser_sessions.create",
        [.bytea, .text],
        "INSERT INTO browser_session (secret_hash, token_id) VALUES ($1, $2)"
    )

    /// Those of the sessions that let somebody in now. `$2` and `$3` are how long a session lives
    /// unused and at all, in milliseconds.
    static let live = PostgresStatement(
        "browser_sessions.live",
        [.byteaArray, .int8, .int8],
        """
        SELECT s.secret_hash, t.id, t.name, t.scope, t.tenant,
               (extract(epoch FROM least(
                   s.last_used_at + $2 * interval '1 millisecond',
                   s.created_at + $3 * interval '1 millisecond',
                   t.expires_at) - now()) * 1000)::bigint AS left_ms, t.groups,
               (extract(epoch FROM least(
                   s.created_at + $3 * interval '1 millisecond',
                   t.expires_at) - now()) * 1000)::bigint AS at_most_ms
        FROM browser_session s JOIN api_token t ON t.id = s.token_id
        WHERE s.secret_hash = ANY ($1) AND t.revoked_at IS NULL
        AND (t.expires_at IS NULL OR t.expires_at > now())
        AND s.last_used_at > now() - $2 * interval '1 millisecond'
        AND s.created_at > now() - $3 * interval '1 millisecond'
        """
    )

    /// Rows are locked in the order of their hashes, so two nodes never wait in a circle.
    static let touch = PostgresStatement(
        "browser_sessions.touch",
        [.byteaArray],
        """
        WITH used AS (
            SELECT secret_hash FROM browser_session WHERE secret_hash = ANY ($1)
            ORDER BY secret_hash FOR NO KEY UPDATE)
        UPDATE browser_session s SET last_used_at = now() FROM used
        WHERE s.secret_hash = used.secret_hash
        """
    )

    static let end = PostgresStatement(
        "browser_sessions.end",
        [.bytea],
        "DELETE FROM browser_session WHERE secret_hash = $1"
    )

    /// One row of another session's is never locked twice: whatever is over is over for everybody.
    static let sweep = PostgresStatement(
        "browser_sessions.sweep",
        [.int8, .int8],
        """
        DELETE FROM browser_session WHERE secret_hash IN (
            SELECT secret_hash FROM browser_session
            WHERE last_used_at < now() - $1 * interval '1 millisecond'
            OR created_at < now() - $2 * interval '1 millisecond'
            ORDER BY secret_hash LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING token_id
        """
    )
}
