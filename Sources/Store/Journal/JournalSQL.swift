// The SQL that reads the step journal; what writes it is in WriterSQL.

internal import Postgres

enum JournalSQL {
    static let all = [read, page]

    private static func microseconds(_ time: String) -> String {
        "(extract(epoch FROM \(time)) * 1000000)::bigint"
    }

    /// A row `j` as an ended run keeps it, see ``FoldedStep``. Pasted together, because Postgres
    /// reads no JSON text with a \u0000 in it, and `record` is JSON already.
    static let folded = """
        '{"step":' || to_json(j.step)::text || ',"attempt":' || j.attempt || ',"claim":' || j.claim_no
            || ',"state":"' || j.state || '","begun":' || \(microseconds("j.begun_at"))
            || coalesce(',"ended":' || \(microseconds("j.ended_at")), '')
            || CASE WHEN j.superseded THEN ',"superseded":true' ELSE '' END
            || ',"record":' || j.record || '}'
        """

    /// What an ended run keeps of its journal, all in one row with its end.
    private static let kept = """
        SELECT NULL, NULL, NULL, NULL, NULL, \(microseconds("d.finished_at")), NULL, NULL, d.steps
        FROM run_done d WHERE d.id = $1 AND d.steps IS NOT NULL
        """

    /// The rows of a run under way, and what an ended one keeps: one question, because a run that
    /// ends between two of them would be found twice or never.
    static let read = PostgresStatement(
        "journal.read",
        [.int8],
        """
        SELECT step, attempt, state, record, superseded, \(microseconds("begun_at")),
               \(microseconds("ended_at")), claim_no, NULL AS steps
        FROM step_journal WHERE run_id = $1
        UNION ALL
        \(kept)
        """
    )

    /// Rows after the one that began at `$2` microseconds as step `$3`, attempt `$4`, all of them: an
    /// attempt may be written when it ends, and then stands before others that were written already. Of
    /// an ended run all that it keeps, told apart by its last column.
    static let page = PostgresStatement(
        "journal.page",
        [.int8, .timestamptz, .text, .int8, .text],
        """
        (SELECT step, attempt, state, record, superseded, \(microseconds("begun_at")),
                \(microseconds("ended_at")), claim_no, NULL AS steps
         FROM step_journal
         WHERE run_id = $1 AND ($2 IS NULL OR (begun_at, step, attempt) > ($2, $3, $4))
         AND ($5 IS NULL OR step = $5))
        UNION ALL
        \(kept)
        """
    )
}
