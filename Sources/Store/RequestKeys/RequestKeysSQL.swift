// The SQL of the request_key table.

internal import Postgres

enum RequestKeysSQL {
    static let all = [get, retried, sweep]

    /// The columns of a new key, and their types.
    static let columns = "tenant, key, digest, kind, made_id"
    static let types: [PostgresType] = [.text, .text, .bytea]

    static let get = PostgresStatement(
        "request_keys.get",
        [.text, .text],
        "SELECT made_id, digest, detail FROM request_key WHERE tenant = $1 AND key = $2"
    )

    /// In the transaction that queued a run again: `$5` is the claim the run had. That this one did
    /// and nobody who was faster, `xmin` tells.
    static let retried = PostgresStatement(
        "request_keys.retried",
        types + [.int8, .int8, .text],
        """
        INSERT INTO request_key (\(columns), detail)
        SELECT $1, $2, $3, 'retry', r.id, $6 FROM run r
        WHERE r.id = $4 AND r.claim_no = $5 + 1 AND r.status = 'queued'
        AND r.xmin = pg_current_xact_id()::xid
        """
    )

    /// Forgets up to `$2` keys older than `$1` ms. SKIP LOCKED: sweepers never wait on each other.
    static let sweep = PostgresStatement(
        "request_keys.sweep",
        [.int8, .int8],
        """
        DELETE FROM request_key k USING (
            SELECT o.tenant, o.key FROM request_key o
            WHERE o.created_at < now() - $1 * interval '1 ms'
            ORDER BY o.created_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS old
        WHERE k.tenant = old.tenant AND k.key = old.key RETURNING 1
        """
    )
}
