// The SQL that reads the step journal; what writes it is in WriterSQL.

internal import Postgres

enum JournalSQL {
    static let all = [read, page]

    static let read = PostgresStatement(
        "journal.read",
        [.int8],
        """
        SELECT step, attempt, state, record, superseded,
               (extract(epoch FROM begun_at) * 1000)::bigint AS begun_ms,
               (extract(epoch FROM ended_at) * 1000)::bigint AS ended_ms
        FROM step_journal WHERE run_id = $1 ORDER BY begun_at, step, attempt
        """
    )

    /// Rows after the one that began at `$2` microseconds as step `$3`, attempt `$4`.
    static let page = PostgresStatement(
        "journal.page",
        [.int8, .timestamptz, .text, .int8, .text, .int8],
        """
        SELECT step, attempt, state, record, superseded,
               (extract(epoch FROM begun_at) * 1000)::bigint AS begun_ms,
               (extract(epoch FROM ended_at) * 1000)::bigint AS ended_ms,
               (extract(epoch FROM begun_at) * 1000000)::bigint AS begun_us
        FROM step_journal
        WHERE run_id = $1 AND ($2 IS NULL OR (begun_at, step, attempt) > ($2, $3, $4))
        AND ($5 IS NULL OR step = $5)
        ORDER BY begun_at, step, attempt LIMIT $6
        """
    )
}
