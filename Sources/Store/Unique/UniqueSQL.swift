// The SQL of unique runs: one statement more where a run asks for it, and none for others.

internal import Postgres

enum UniqueSQL {
    static let all = [start, again, holder, sweep]

    /// One run under a unique key, or what becomes of the run that has it: `run_unique_take` says which
    /// rows it locks in which order. The request's key names the run that is the answer; the second
    /// of two same requests at once finds the key taken and is undone. `$11` to `$15` are the unique
    /// key, its scope, its time, what becomes of another one, and how long one is put off at most; `$16` is
    /// whom the run is for, `$17` to `$19` are its deadlines. A run that is changed has these alone.
    static let start = PostgresStatement(
        "unique.start",
        [
            .text, .text, .bytea, .int8, .bytea, .int4, .text, .int8, .text, .text, .text, .text,
            .int8, .text, .int8, .text, .int8, .int8, .int8,
        ],
        """
        WITH open AS MATERIALIZED (
            SELECT l.id, l.shard_id, l.ageing_ms, CASE $12 WHEN 'session' THEN 's' || s.id ELSE 'l' || l.id END
                || ':' || $11 AS key
            FROM lane l JOIN session s ON s.id = l.session_id AND s.status = 'active'
            WHERE l.id = $4 FOR SHARE OF s),
        took AS MATERIALIZED (
            SELECT t.id, t.outcome FROM open CROSS JOIN LATERAL run_unique_take(
                open.key, nextval('run_id'), $4, $13, $14, $5, $6, $7, $8, $15, $9, $10, $16) t),
        keyed AS (
            INSERT INTO request_key (\(RequestKeysSQL.columns))
            SELECT $1, $2, $3, 'run', took.id FROM took
            WHERE $2 IS NOT NULL AND took.outcome <> 'held'),
        made AS (
            INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, due_at, template,
                             started_by, unique_key, unique_ms, key, is_delayed, rank)
            SELECT took.id, open.id, open.shard_id,
                   \(PlansSQL.held("$5")), $6, $7,
                   now() + $8 * interval '1 ms', $9, $10, open.key, $13, $16, $8 > 0,
                   run_rank(now() + $8 * interval '1 ms', $6, open.ageing_ms)
            FROM took CROSS JOIN open WHERE took.outcome = 'made'),
        dated AS (
            INSERT INTO run_deadline (run_id, kind, at, after_ms)
            SELECT took.id, v.kind, v.at, v.after_ms
            FROM took CROSS JOIN \(DeadlinesSQL.wanted(17))
            WHERE took.outcome IN ('made', 'replaced', 'debounced')
            AND (v.at IS NOT NULL OR v.after_ms IS NOT NULL))
        SELECT took.id, took.outcome FROM took
        """
    )

    /// In the transaction that queued the run again.
    static let again = PostgresStatement(
        "unique.again",
        [.int8],
        "SELECT run_unique_again($1)"
    )

    static let holder = PostgresStatement(
        "unique.holder",
        [.text],
        "SELECT run_id FROM run_unique WHERE key = $1"
    )

    /// Forgets up to `$1` keys whose time is over. SKIP LOCKED: whoever takes one at this moment has it.
    static let sweep = PostgresStatement(
        "unique.sweep",
        [.int8],
        """
        DELETE FROM run_unique WHERE key IN (
            SELECT u.key FROM run_unique u WHERE u.until <= clock_timestamp()
            ORDER BY u.until LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING 1
        """
    )

    /// Frees the keys of runs that end, in the statement that ends them; `runs` has their rows. What
    /// is taken for a time stays taken. Part of a WITH.
    static func freed(_ runs: String) -> String {
        """
        freed AS (
            DELETE FROM run_unique u WHERE u.until IS NULL AND u.run_id = ANY (ARRAY(
                SELECT f.id FROM \(runs) f WHERE f.unique_key IS NOT NULL)))
        """
    }
}
