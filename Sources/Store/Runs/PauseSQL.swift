// The SQL of pausing runs.

internal import Postgres

enum PauseSQL {
    static let all = [pause, resume, pauses]

    /// Pauses a run that has not ended and is not paused. A run that is claimed at this moment
    /// waits for that row lock only.
    static let pause = PostgresStatement(
        "runs.pause",
        [.int8, .text],
        """
        UPDATE run SET paused_by = $2, paused_at = clock_timestamp(), pause_no = pause_no + 1
        WHERE id = $1 AND paused_by IS NULL
        AND status IN ('queued', 'claimed', 'running', 'waiting')
        RETURNING status, lane_id
        """
    )

    static let resume = PostgresStatement(
        "runs.resume",
        [.int8],
        """
        UPDATE run SET paused_by = NULL, pause_no = pause_no + 1
        WHERE id = $1 AND paused_by IS NOT NULL
        AND status IN ('queued', 'claimed', 'running', 'waiting')
        RETURNING status, lane_id
        """
    )

    /// What holds for the runs under way of a node that were ever paused.
    static let pauses = PostgresStatement(
        "runs.pauses",
        [.int8],
        """
        SELECT r.id, r.lane_id, r.paused_by, r.pause_no
        FROM run r JOIN shard s ON s.shard_id = r.shard_id AND s.owner = $1
        WHERE r.pause_no > 0 AND r.status IN ('claimed', 'running', 'waiting')
        """
    )
}
