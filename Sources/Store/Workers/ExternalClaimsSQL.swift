// The SQL of runs that workers outside have.

internal import Postgres

enum ExternalClaimsSQL {
    static let all = [hand, beat, end, read]

    /// Writes down who gets a run, for as long as the node that hands it over has it: nothing when it
    /// does not. Losses count within one attempt.
    static let hand = PostgresStatement(
        "external_claims.hand",
        [.int8, .int8, .int4, .text, .int8],
        """
        INSERT INTO external_claim AS e (run_id, claim_no, attempt, worker, lease_until)
        SELECT r.id, r.claim_no, $3, $4, clock_timestamp() + $5 * interval '1 ms'
        FROM run r WHERE r.id = $1 AND r.claim_no = $2
        ON CONFLICT (run_id) DO UPDATE SET
            claim_no = EXCLUDED.claim_no, attempt = EXCLUDED.attempt, worker = EXCLUDED.worker,
            lease_until = EXCLUDED.lease_until, is_over = false,
            losses = CASE WHEN e.attempt = EXCLUDED.attempt THEN e.losses ELSE 0 END
        RETURNING e.losses
        """
    )

    /// Renews a worker's lease, if the node that heard of it still has the run.
    static let beat = PostgresStatement(
        "external_claims.beat",
        [.int8, .int8, .int8, .int8],
        """
        UPDATE external_claim e SET lease_until = clock_timestamp() + $4 * interval '1 ms'
        WHERE e.run_id = $1 AND e.claim_no = $2 AND NOT e.is_over
        AND (SELECT r.claim_no FROM run r WHERE r.id = $1) = $3
        RETURNING e.run_id
        """
    )

    /// The worker does not have the run any more; `$4` counts it as lost. `$5` is for how many ms the
    /// run is put off from now on and `$6` how often it was tried again; both are the run's at this
    /// very moment, so they count whoever puts it back into the queue. Sent again it changes nothing.
    static let end = PostgresStatement(
        "external_claims.end",
        [.int8, .int8, .int8, .bool, .int8, .int4],
        """
        WITH over AS (
            UPDATE external_claim e SET is_over = true, losses = e.losses + $4::integer
            WHERE e.run_id = $1 AND e.claim_no = $2 AND NOT e.is_over
            AND (SELECT r.claim_no FROM run r WHERE r.id = $1) = $3
            RETURNING e.run_id)
        UPDATE run r SET retry_count = greatest(r.retry_count, $6),
            retry_at = CASE WHEN $5 > 0 THEN clock_timestamp() + $5 * interval '1 ms' END
        FROM over WHERE r.id = $1 AND r.id = over.run_id AND r.claim_no = $3
        AND ($5 > 0 OR $6 > r.retry_count)
        """
    )

    static let read = PostgresStatement(
        "external_claims.read",
        [.int8Array],
        """
        SELECT e.run_id, e.claim_no, e.attempt, e.worker, e.losses, e.is_over,
               (extract(epoch FROM e.lease_until) * 1000)::bigint,
               (extract(epoch FROM e.lease_until - clock_timestamp()) * 1000)::bigint
        FROM external_claim e WHERE e.run_id = ANY ($1)
        """
    )
}
