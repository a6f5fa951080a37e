// The SQL of the signal table.

internal import Postgres

enum SignalsSQL {
    static let all = [send, take, list]

    private static let columns = """
        s.seq, s.name, s.payload, s.sent_by, (extract(epoch FROM s.sent_at) * 1000)::bigint,
        s.taken_step, s.taken_attempt, (extract(epoch FROM s.taken_at) * 1000)::bigint
        """

    /// After `waits.lock`. No row: the run has ended, or `$6` signals wait already. With the key of
    /// an earlier signal that one is the answer.
    static let send = PostgresStatement(
        "signals.send",
        [.int8, .text, .text, .text, .text, .int8],
        """
        WITH known AS (
            SELECT * FROM signal s WHERE s.run_id = $1 AND s.idempotency_key = $5),
        made AS (
            INSERT INTO signal (run_id, seq, name, payload, sent_by, idempotency_key)
            SELECT r.id, (SELECT coalesce(max(o.seq), 0) + 1 FROM signal o WHERE o.run_id = $1),
                   $2, $3, $4, $5
            FROM run r WHERE r.id = $1 AND \(WaitsSQL.isOpen("r"))
            AND NOT EXISTS (SELECT 1 FROM known)
            AND (SELECT count(*) FROM (
                SELECT 1 FROM signal o WHERE o.run_id = $1 AND o.taken_step IS NULL
                LIMIT $6) waiting) < $6
            RETURNING *)
        SELECT \(columns), false FROM made s UNION ALL SELECT \(columns), true FROM known s
        """
    )

    /// After `waits.hold`: the signal that attempt `$6` of step `$5` has taken, or the oldest one of
    /// the name `$7` that nobody has, if it came within `$8` ms of the wait's beginning. With it, or
    /// alone, how many ms are left. No row: the claim or the attempt is not under way any more.
    static let take = PostgresStatement(
        "signals.take",
        WaitsSQL.fenceTypes + [.text, .int4, .text, .int8],
        """
        WITH wait AS (
            SELECT r.id, r.claim_no, j.begun_at + $8 * interval '1 ms' AS until
            FROM run r JOIN step_journal j ON j.run_id = r.id AND j.step = $5 AND j.attempt = $6
                AND j.state = 'intent' AND NOT j.superseded
            WHERE \(WaitsSQL.isHeld)),
        own AS (
            SELECT * FROM signal s
            WHERE s.run_id = $1 AND s.taken_step = $5 AND s.taken_attempt = $6),
        took AS (
            UPDATE signal s SET taken_step = $5, taken_attempt = $6, taken_claim = wait.claim_no,
                taken_at = clock_timestamp()
            FROM wait WHERE s.run_id = wait.id AND s.taken_step IS NULL
            AND NOT EXISTS (SELECT 1 FROM own)
            AND s.seq = (
                SELECT o.seq FROM signal o
                WHERE o.run_id = wait.id AND o.name = $7 AND o.taken_step IS NULL
                AND (wait.until IS NULL OR o.sent_at < wait.until)
                ORDER BY o.seq LIMIT 1)
            RETURNING s.*)
        SELECT (extract(epoch FROM wait.until - clock_timestamp()) * 1000)::bigint, \(columns)
        FROM wait LEFT JOIN (SELECT * FROM own UNION ALL SELECT * FROM took) s ON true
        """
    )

    /// Signals of a run after the one numbered `$2`.
    static let list = PostgresStatement(
        "signals.list",
        [.int8, .int8, .int8],
        """
        SELECT \(columns) FROM signal s WHERE s.run_id = $1 AND s.seq > $2
        ORDER BY s.seq LIMIT $3
        """
    )
}
