// The SQL of the table of API tokens.

internal import Postgres

enum TokensSQL {
    static let all = [create, one, live, list, revoke, touch, hasAdmin, sweep]

    private static let columns = """
        id, name, scope, tenant, (extract(epoch FROM created_at) * 1000)::bigint AS created_ms,
        (extract(epoch FROM expires_at) * 1000)::bigint AS expires_ms,
        (extract(epoch FROM last_used_at) * 1000)::bigint AS used_ms,
        (extract(epoch FROM revoked_at) * 1000)::bigint AS revoked_ms, groups
        """

    /// `$6` is how long it lives, in milliseconds, by the database's clock.
    static let create = PostgresStatement(
        "tokens.create",
        [.text, .text, .text, .text, .bytea, .int8, .textArray],
        """
        INSERT INTO api_token (id, name, scope, tenant, secret_hash, expires_at, groups)
        VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 millisecond', $7)
        RETURNING \(Self.columns)
        """
    )

    static let one = PostgresStatement(
        "tokens.one",
        [.text, .text],
        "SELECT \(Self.columns) FROM api_token WHERE id = $1 AND ($2 = '' OR tenant = $2)"
    )

    /// Those of the tokens that let somebody in now, with the time they have left.
    static let live = PostgresStatement(
        "tokens.live",
        [.textArray],
        """
        SELECT id, name, scope, tenant, secret_hash,
               (extract(epoch FROM expires_at - now()) * 1000)::bigint AS left_ms, groups
        FROM api_token
        WHERE id = ANY ($1) AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > now())
        """
    )

    /// Newest first; `$2` and `$3` are where the page before ended.
    static let list = PostgresStatement(
        "tokens.list",
        [.text, .int8, .text, .int8, .bool],
        """
        SELECT \(Self.columns) FROM api_token
        WHERE ($1 = '' OR tenant = $1)
        AND ($5 OR (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())))
        AND ($2::bigint IS NULL
             OR ((extract(epoch FROM created_at) * 1000)::bigint, id) < ($2, $3))
        ORDER BY (extract(epoch FROM created_at) * 1000)::bigint DESC, id DESC LIMIT $4
        """
    )

    /// A token that was revoked already stays as it was.
    static let revoke = PostgresStatement(
        "tokens.revoke",
        [.text, .text],
        """
        UPDATE api_token SET revoked_at = coalesce(revoked_at, now())
        WHERE id = $1 AND ($2 = '' OR tenant = $2) RETURNING id
        """
    )

    /// Rows are locked in the order of their ids, so two nodes never wait in a circle.
    static let touch = PostgresStatement(
        "tokens.touch",
        [.textArray],
        """
        WITH used AS (
            SELECT id FROM api_token WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE)
        UPDATE api_token SET last_used_at = now() FROM used WHERE api_token.id = used.id
        """
    )

    /// Ended tokens, the browsers' sessions of which have ended with them.
    static let sweep = PostgresStatement(
        "tokens.sweep",
        [.int8],
        """
        DELETE FROM api_token WHERE id IN (
            SELECT id FROM api_token
            WHERE least(revoked_at, expires_at) < now() - $1 * interval '1 ms'
            ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING id
        """
    )

    static let hasAdmin = PostgresStatement(
        "tokens.has_admin",
        [],
        """
        SELECT EXISTS (
            SELECT 1 FROM api_token WHERE scope = 'admin' AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > now()))
        """
    )
}
