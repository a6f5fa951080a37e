// The SQL of what is asked of runs: whose end somebody wants.

internal import Postgres
internal import PulserIR

enum RequestsSQL {
    static let all = [underWay, queued]

    private static let columns = """
        r.id, r.lane_id, r.shard_id, s.generation, r.claim_no,
        coalesce(r.request_reason, 'cancelled'), r.request = 'timeout'
        """

    /// Found among what is under way, not among all requests: of a session that was cancelled there are
    /// as many of these as it had runs in its queues. So `request` is in no index's words here.
    static let underWay = PostgresStatement(
        "requests.under_way",
        [.int8],
        """
        SELECT \(columns)
        FROM run r JOIN shard s ON s.shard_id = r.shard_id AND s.owner = $1
        WHERE coalesce(r.request, '') <> '' AND r.status IN ('claimed', 'running', 'waiting')
        """
    )

    /// The next `$4` after the run `$3` of the shard `$2`, shard by shard in the order of the index.
    static let queued = PostgresStatement(
        "requests.queued",
        [.int8, .int8, .int8, .int8],
        """
        SELECT \(columns)
        FROM (SELECT o.shard_id, o.generation FROM shard o
            WHERE o.owner = $1 AND o.shard_id >= $2 ORDER BY o.shard_id) s
        CROSS JOIN LATERAL (
            SELECT q.* FROM run q
            WHERE q.shard_id = s.shard_id AND q.request IS NOT NULL AND q.status = 'queued'
            AND (q.shard_id, q.id) > ($2, $3)
            ORDER BY q.shard_id, q.id LIMIT $4) r
        LIMIT $4
        """
    )
}
