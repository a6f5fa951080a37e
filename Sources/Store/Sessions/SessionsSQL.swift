// The SQL of the session table.

internal import Postgres

enum SessionsSQL {
    static let all = [
        create, list, close, archive, ensureDefault, page, get, update, end, cancelRuns, openRuns,
    ]

    /// A session with its lanes and the key of the request, or nothing of it.
    static let create = PostgresStatement(
        "sessions.create",
        RequestKeysSQL.types + [.text, .text, .text, .textArray, .int8Array, .int8Array],
        """
        WITH made AS (
            INSERT INTO session (name, intent, context) VALUES ($4, $5, $6)
            ON CONFLICT (name) DO NOTHING RETURNING id),
        lanes AS (
            INSERT INTO lane (session_id, name, width, priority)
            SELECT made.id, l.name, l.width::integer, l.priority::integer
            FROM made, unnest($7, $8, $9) WITH ORDINALITY AS l (name, width, priority, place)
            ORDER BY l.place),
        keyed AS (
            INSERT INTO request_key (\(RequestKeysSQL.columns))
            SELECT $1, $2, $3, 'session', made.id FROM made WHERE $2 IS NOT NULL)
        SELECT id FROM made
        """
    )

    static let ensureDefault = PostgresStatement(
        "sessions.ensure_default",
        [.text],
        "INSERT INTO session (name) VALUES ($1) ON CONFLICT (name) DO NOTHING"
    )

    static let list = PostgresStatement(
        "sessions.list",
        [.bool],
        """
        SELECT s.id, s.name, s.status, s.intent,
               (extract(epoch FROM s.created_at) * 1000)::bigint AS created_ms,
               (SELECT count(*) FROM lane l WHERE l.session_id = s.id) AS lanes,
               (SELECT count(*) FROM run r JOIN lane l ON l.id = r.lane_id
                WHERE l.session_id = s.id
                AND \(RunsSQL.isOpen("r"))) AS open_runs,
               \(LanePauseSQL.mark(session: "s.id"))
        FROM session s WHERE $1 OR s.status = 'active' ORDER BY s.id
        """
    )

    /// Keeps enqueues out until the end of the transaction, after those under way; it locks one row
    /// before any other, so nobody waits in a circle. A statement of its own, because the next one
    /// must see the runs of those it waited for.
    static let close = PostgresStatement(
        "sessions.close",
        [.text],
        "SELECT id FROM session WHERE name = $1 FOR NO KEY UPDATE"
    )

    /// Only a session without open runs can be archived.
    static let archive = PostgresStatement(
        "sessions.archive",
        [.text],
        """
        UPDATE session s SET status = 'archived', ended_at = now()
        WHERE s.name = $1 AND s.status = 'active' AND NOT EXISTS (
            SELECT 1 FROM run r JOIN lane l ON l.id = r.lane_id
            WHERE l.session_id = s.id
            AND \(RunsSQL.isOpen("r")))
        RETURNING s.id
        """
    )

    private static let columns = """
        s.id, s.name, s.status, s.intent, s.context, s.revision,
        (extract(epoch FROM s.created_at) * 1000)::bigint,
        (extract(epoch FROM s.ended_at) * 1000)::bigint,
        (SELECT count(*) FROM lane l WHERE l.session_id = s.id),
        \(LanePauseSQL.mark(session: "s.id"))
        """

    /// Sessions before `$1`, newest first.
    static let page = PostgresStatement(
        "sessions.page",
        [.int8, .textArray, .text, .int8],
        """
        SELECT \(columns) FROM session s
        WHERE s.id < $1 AND (cardinality($2) = 0 OR s.status = ANY ($2))
        AND ($3 IS NULL OR position(lower($3) IN lower(s.name)) > 0
            OR position(lower($3) IN lower(s.intent)) > 0)
        ORDER BY s.id DESC LIMIT $4
        """
    )

    /// What has not ended in each of these sessions.
    static let openRuns = PostgresStatement(
        "sessions.open_runs",
        [.int8Array],
        """
        SELECT l.session_id, count(*) FROM run r JOIN lane l ON l.id = r.lane_id
        WHERE \(RunsSQL.isOpen("r")) AND l.session_id = ANY ($1) GROUP BY l.session_id
        """
    )

    /// By name, else by number.
    static let get = PostgresStatement(
        "sessions.get",
        [.text, .int8],
        """
        SELECT \(columns) FROM session s WHERE s.name = $1 OR s.id = $2
        ORDER BY s.name = $1 DESC LIMIT 1
        """
    )

    /// Sets what is given, if nobody changed it since the editor looked.
    static let update = PostgresStatement(
        "sessions.update",
        [.int8, .text, .text, .int8],
        """
        UPDATE session s SET intent = coalesce($2, s.intent), context = coalesce($3, s.context),
            revision = s.revision + 1
        WHERE s.id = $1 AND ($4 IS NULL OR s.revision = $4)
        RETURNING \(columns)
        """
    )

    /// Ends a session that `close` locked: completed and archived only without open runs. One that
    /// has ended can still be archived.
    static let end = PostgresStatement(
        "sessions.end",
        [.text, .text, .int8, .text],
        """
        UPDATE session s SET status = $2, ended_at = coalesce(s.ended_at, now()),
            revision = s.revision + 1, asked_to = CASE WHEN $2 = 'cancelled' THEN 0 END,
            end_reason = coalesce($4, s.end_reason)
        WHERE s.name = $1 AND ($3 IS NULL OR s.revision = $3)
        AND (s.status = 'active' OR $2 = 'archived' AND s.status <> 'archived')
        AND ($2 = 'cancelled' OR NOT EXISTS (
            SELECT 1 FROM run r JOIN lane l ON l.id = r.lane_id
            WHERE l.session_id = s.id
            AND \(RunsSQL.isOpen("r"))))
        RETURNING s.id
        """
    )

    /// Asks for the end of the next `$3` open runs of a cancelled session, `$1` or any, among the next
    /// `$2` of all that are open; nothing can be added to such a session. Who does it may die after any
    /// step: the session says how far it is. SKIP LOCKED: somebody else is at that session already. All
    /// that is open is gone through once, because no index has a lane's runs in one order, and what was
    /// asked before would be read again at every step.
    static let cancelRuns = PostgresStatement(
        "sessions.cancel_runs",
        [.text, .int8, .int8],
        """
        WITH ending AS MATERIALIZED (
            SELECT s.id, s.asked_to, s.end_reason FROM session s
            WHERE s.asked_to IS NOT NULL AND ($1 IS NULL OR s.name = $1)
            ORDER BY s.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED),
        seen AS MATERIALIZED (
            SELECT r.id, r.lane_id FROM run r WHERE r.id > (SELECT e.asked_to FROM ending e)
            ORDER BY r.id LIMIT $2),
        mine AS MATERIALIZED (
            SELECT s.id FROM seen s WHERE (SELECT e.id FROM ending e)
                = (SELECT l.session_id FROM lane l WHERE l.id = s.lane_id)
            ORDER BY s.id LIMIT $3),
        \(RunsSQL.cancel(ofStep, reason: "(SELECT e.end_reason FROM ending e)"))
        UPDATE session SET asked_to = CASE
            WHEN (SELECT count(*) FROM mine) = $3 THEN (SELECT max(m.id) FROM mine m)
            WHEN (SELECT count(*) FROM seen) = $2 THEN (SELECT max(s.id) FROM seen s) END
        FROM ending WHERE session.id = ending.id
        RETURNING session.name, (SELECT count(*) FROM cancelled), session.asked_to IS NULL
        """
    )
    private static let ofStep = "r.id = ANY (ARRAY(SELECT m.id FROM mine m))"
}
