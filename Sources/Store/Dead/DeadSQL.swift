// The SQL of dead letters: what failed for good and nobody has put aside.

internal import Postgres

enum DeadSQL {
    static let all = [discard, discarded, forget]

    /// Whether an ended run is on the list; a child's failure is its parent's.
    static func isDead(_ run: String) -> String {
        """
        (\(run).status IN ('failed', 'timed_out') AND \(run).parent_run IS NULL AND NOT EXISTS (
            SELECT FROM dead_discard x WHERE x.run_id = \(run).id AND x.claim_no = \(run).claim_no))
        """
    }

    /// Puts a run aside that failed under the claim `$2`. A run that is queued again at this moment
    /// has another claim then, and is not meant. Of several people the first is told.
    static let discard = PostgresStatement(
        "dead.discard",
        [.int8, .int8, .text, .text],
        """
        INSERT INTO dead_discard AS x (run_id, claim_no, discarded_by, note)
        SELECT d.id, d.claim_no, $3, $4 FROM run_done d
        WHERE d.id = $1 AND d.claim_no = $2 AND \(isDead("d"))
        ON CONFLICT (run_id) DO UPDATE SET claim_no = EXCLUDED.claim_no,
            discarded_by = EXCLUDED.discarded_by, note = EXCLUDED.note,
            discarded_at = clock_timestamp()
        WHERE x.claim_no < EXCLUDED.claim_no
        RETURNING run_id
        """
    )

    static let discarded = PostgresStatement(
        "dead.discarded",
        [.int8, .int8],
        """
        SELECT discarded_by, note, (extract(epoch FROM discarded_at) * 1000)::bigint
        FROM dead_discard WHERE run_id = $1 AND claim_no = $2
        """
    )

    /// Forgets up to `$1` notes, the oldest first, about runs that are gone with their day.
    static let forget = PostgresStatement(
        "dead.forget",
        [.int8],
        """
        DELETE FROM dead_discard WHERE run_id IN (
            SELECT x.run_id FROM (
                SELECT o.run_id FROM dead_discard o ORDER BY o.run_id LIMIT $1) x
            WHERE NOT EXISTS (SELECT FROM run_any r WHERE r.id = x.run_id))
        RETURNING 1
        """
    )
}
