// The SQL that reads the step journal; what writes it is in WriterSQL.

internal import Postgres

enum JournalSQL {
    static let all = [read]

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
}
