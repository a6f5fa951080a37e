// The SQL of schedules as people edit them; what their ticks do is in TicksSQL.

internal import Postgres

enum SchedulesSQL {
    static let all = [create, get, page, update, delete, pause, resume, runs, ofRun, openRuns]

    static func milliseconds(_ moment: String) -> String {
        "floor(extract(epoch FROM \(moment)) * 1000)::bigint"
    }

    /// A schedule as ``ScheduleRow`` reads it.
    static let columns = """
        s.id, s.name, s.title, n.name, l.name, s.lane_id, s.template, s.plan_digest, s.inputs,
        s.priority, s.rules, s.zone, \(milliseconds("s.anchor_at")), \(milliseconds("s.starts_at")),
        \(milliseconds("s.ends_at")), s.jitter_ms, s.misfire, s.catch_up_ms, s.catch_up_max,
        s.overlap, s.revision, s.paused_by, \(milliseconds("s.paused_at")), s.pause_reason,
        s.move_no, \(milliseconds("s.cursor_at")), s.dropped, \(milliseconds("s.last_drop_at")),
        s.last_drop, \(milliseconds("s.created_at")), \(milliseconds("s.updated_at")), n.status,
        coalesce(s.plan_digest, t.plan_digest), \(milliseconds("clock_timestamp()")),
        EXISTS (SELECT FROM schedule_run o JOIN run r ON r.id = o.run_id
            AND r.status IN ('queued', 'claimed', 'running', 'waiting')
            WHERE o.schedule_id = s.id AND NOT o.ended), s.changed_by, s.key, s.delay_ms, s.ttl_ms,
        s.deadline_ms, s.unique_key, s.unique_scope, s.unique_ms, s.unique_conflict, s.debounce_ms
        """

    /// What the columns are of.
    static let tables = """
        schedule s JOIN lane l ON l.id = s.lane_id JOIN session n ON n.id = l.session_id
        LEFT JOIN template t ON t.name = s.template
        """

    /// Types and columns of what people say, in the order of ``NewSchedule``'s values.
    private static let saidTypes: [PostgresType] = [
        .text, .text, .int8, .text, .bytea, .text, .int8, .text, .text, .int8, .int8, .int8, .int8,
        .text, .int8, .int8, .text, .text, .text, .int8, .int8, .int8, .text, .text, .int8, .text,
        .int8,
    ]

    /// A schedule that was not there, with the key of the request.
    static let create = PostgresStatement(
        "schedules.create",
        saidTypes + RequestKeysSQL.types + [.text, .text],
        """
        WITH made AS (
            INSERT INTO schedule (name, title, lane_id, template, plan_digest, inputs, priority,
                rules, zone, anchor_at, starts_at, ends_at, jitter_ms, misfire, catch_up_ms,
                catch_up_max, overlap, changed_by, key, delay_ms, ttl_ms, deadline_ms, unique_key,
                unique_scope, unique_ms, unique_conflict, debounce_ms, paused_by, paused_at, pause_reason)
            VALUES ($1, $2, $3, $4, $5, $6, $7::integer, $8, $9, to_timestamp($10),
                to_timestamp($11), to_timestamp($12), $13, $14, $15, $16::integer, $17, $18, $19,
                $20, $21, $22, $23, $24, $25, $26, $27, $31,
                CASE WHEN $31 IS NOT NULL THEN now() END, $32)
            ON CONFLICT (name) DO NOTHING RETURNING id),
        keyed AS (
            INSERT INTO request_key (\(RequestKeysSQL.columns))
            SELECT $28, $29, $30, 'schedule', made.id FROM made WHERE $29 IS NOT NULL)
        SELECT id FROM made
        """
    )

    /// By name, else by number.
    static let get = PostgresStatement(
        "schedules.get",
        [.text, .int8],
        """
        SELECT \(columns) FROM \(tables) WHERE s.name = $1 OR s.id = $2
        ORDER BY s.name = $1 DESC LIMIT 1
        """
    )

    /// Schedules after a name; of a session, and paused or not, when asked for.
    static let page = PostgresStatement(
        "schedules.page",
        [.text, .text, .bool, .int8],
        """
        SELECT \(columns) FROM \(tables)
        WHERE s.name > $1 AND ($2::text IS NULL OR n.name = $2)
        AND ($3::boolean IS NULL OR (s.paused_by IS NOT NULL) = $3)
        ORDER BY s.name LIMIT $4
        """
    )

    /// Sets everything that people say, if nobody changed it since the editor looked (`$29`). New
    /// times tick from now on; with the old ones nothing is forgotten.
    static let update = PostgresStatement(
        "schedules.update",
        saidTypes + [.int8, .int8],
        """
        UPDATE schedule s SET name = $1, title = $2, lane_id = $3, template = $4, plan_digest = $5,
            inputs = $6, priority = $7::integer, rules = $8, zone = $9, anchor_at = to_timestamp($10),
            starts_at = to_timestamp($11), ends_at = to_timestamp($12), jitter_ms = $13,
            misfire = $14, catch_up_ms = $15, catch_up_max = $16::integer, overlap = $17,
            changed_by = $18, key = $19, delay_ms = $20, ttl_ms = $21, deadline_ms = $22,
            unique_key = $23, unique_scope = $24, unique_ms = $25, unique_conflict = $26,
            debounce_ms = $27,
            cursor_at = CASE
                WHEN (s.rules, s.zone, s.anchor_at) = ($8, $9, to_timestamp($10))
                    AND s.starts_at IS NOT DISTINCT FROM to_timestamp($11)
                    AND s.ends_at IS NOT DISTINCT FROM to_timestamp($12)
                THEN s.cursor_at ELSE greatest(s.cursor_at, now()) END,
            next_at = now(), move_no = s.move_no + 1, revision = s.revision + 1, updated_at = now()
        WHERE s.id = $28 AND s.revision = $29 RETURNING s.id
        """
    )

    static let delete = PostgresStatement(
        "schedules.delete",
        [.int8, .int8],
        "DELETE FROM schedule WHERE id = $1 AND ($2::bigint IS NULL OR revision = $2) RETURNING id"
    )

    /// `$4`: as it was seen; NULL does not compare. One that is paused stays as it was paused.
    static let pause = PostgresStatement(
        "schedules.pause",
        [.int8, .text, .text, .int8],
        """
        UPDATE schedule SET paused_by = $2, pause_reason = $3, paused_at = now(),
            move_no = move_no + 1
        WHERE id = $1 AND paused_by IS NULL AND ($4::bigint IS NULL OR move_no = $4) RETURNING id
        """
    )

    /// Ticks of the pause are not made up.
    static let resume = PostgresStatement(
        "schedules.resume",
        [.int8],
        """
        UPDATE schedule SET paused_by = NULL, pause_reason = NULL, paused_at = NULL,
            cursor_at = greatest(cursor_at, now()), next_at = now(), move_no = move_no + 1
        WHERE id = $1 AND paused_by IS NOT NULL RETURNING id
        """
    )

    /// Ticks that got a run, latest first, before a run.
    static let runs = PostgresStatement(
        "schedules.runs",
        [.int8, .int8, .int8],
        """
        SELECT o.run_id, \(milliseconds("o.tick")), o.manual FROM schedule_run o
        WHERE o.schedule_id = $1 AND o.run_id < $2 ORDER BY o.run_id DESC LIMIT $3
        """
    )

    static let ofRun = PostgresStatement(
        "schedules.of_run",
        [.int8],
        """
        SELECT o.schedule_id, s.name, \(milliseconds("o.tick")), o.manual
        FROM schedule_run o LEFT JOIN schedule s ON s.id = o.schedule_id WHERE o.run_id = $1
        """
    )

    static let openRuns = PostgresStatement(
        "schedules.open_runs",
        [.int8, .int8],
        """
        SELECT r.id FROM schedule_run o JOIN run r ON r.id = o.run_id
            AND r.status IN ('queued', 'claimed', 'running', 'waiting')
        WHERE o.schedule_id = $1 AND NOT o.ended ORDER BY r.id LIMIT $2
        """
    )
}
