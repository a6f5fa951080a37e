// The SQL of what is kept by the day: days made ahead, counted, dropped, and for how long they stay.

internal import Postgres

enum HistorySQL {
    static let all = [
        ahead, settings, set, take, parts, overdue, dropEvents, detachRuns, forgetRuns, countPlans,
        sweepPlans, goneFiles, usedFiles, forgetFiles,
    ]

    /// Makes the days that are to come; nothing when they are there.
    static let ahead = PostgresStatement(
        "history.ahead",
        [.int4],
        "SELECT history_ahead($1)"
    )

    private static let columns = """
        runs_days::bigint, events_days::bigint, revision
        """

    static let settings = PostgresStatement(
        "history.settings",
        [],
        "SELECT \(columns) FROM retention"
    )

    /// `$1` and `$3` say whether `$2` and `$4` are given; NULL is for ever. What is to be dropped is
    /// looked for anew.
    static let set = PostgresStatement(
        "history.set",
        [.bool, .int4, .bool, .int4, .int8],
        """
        UPDATE retention SET runs_days = CASE WHEN $1 THEN $2 ELSE runs_days END,
            events_days = CASE WHEN $3 THEN $4 ELSE events_days END,
            revision = revision + 1, looked_at = to_timestamp(0)
        WHERE $5 IS NULL OR revision = $5 RETURNING \(columns)
        """
    )

    /// The right to look for what is to be dropped: one node has it, once in `$1` ms. Whoever else
    /// asks at this moment waits for that row and then has not.
    static let take = PostgresStatement(
        "history.take",
        [.int8],
        """
        UPDATE retention SET looked_at = clock_timestamp()
        WHERE looked_at < clock_timestamp() - $1 * interval '1 ms' RETURNING \(columns)
        """
    )

    /// Rows as the server counts them, without reading any.
    static let parts = PostgresStatement(
        "history.parts",
        [],
        """
        SELECT p.kind, p.part, p.is_gone, p.day::text,
               (extract(epoch FROM p.day) * 1000)::bigint, pg_stat_get_live_tuples(p.relid), pg_total_relation_size(p.relid)
        FROM history_part p ORDER BY p.kind, p.day
        """
    )

    static let overdue = PostgresStatement(
        "history.overdue",
        [.int4, .int4],
        """
        SELECT kind, part, is_gone, day::text, (extract(epoch FROM day) * 1000)::bigint,
               0::bigint, 0::bigint
        FROM history_overdue($1, $2)
        """
    )

    static let dropEvents = PostgresStatement(
        "history.drop_events",
        [.text],
        "SELECT history_drop_events($1)"
    )

    static let detachRuns = PostgresStatement(
        "history.detach_runs",
        [.text],
        "SELECT history_detach_runs($1)"
    )

    static let forgetRuns = PostgresStatement(
        "history.forget_runs",
        [.text, .int8, .int4],
        "SELECT history_forget_runs($1, $2, $3)"
    )

    static let countPlans = PostgresStatement(
        "history.count_plans",
        [],
        "SELECT history_count_plans()"
    )

    static let sweepPlans = PostgresStatement(
        "history.sweep_plans",
        [.int4, .int4],
        "SELECT history_sweep_plans($1, $2)"
    )

    /// Files of a node that a removed artifact named, and whether another one names them.
    static let goneFiles = PostgresStatement(
        "history.gone_files",
        [.text, .bytea, .int4],
        """
        SELECT g.digest, EXISTS (
            SELECT FROM artifact a WHERE a.content IS NULL AND a.digest = g.digest)
        FROM file_gone g WHERE g.node = $1 AND g.digest > $2 ORDER BY g.digest LIMIT $3
        """
    )

    /// Which of these digests, as text, the inputs of a run name that has not ended: a file that was
    /// sent for it may be the very one.
    static let usedFiles = PostgresStatement(
        "history.used_files",
        [.textArray],
        """
        SELECT DISTINCT m[1] FROM run r
        CROSS JOIN LATERAL regexp_matches(r.inputs, '[0-9a-f]{64}', 'g') m
        WHERE r.inputs ~ '[0-9a-f]{64}' AND m[1] = ANY ($1)
        """
    )

    static let forgetFiles = PostgresStatement(
        "history.forget_files",
        [.text, .byteaArray],
        "DELETE FROM file_gone WHERE node = $1 AND digest = ANY ($2)"
    )
}
