// The SQL of ticks: which schedules are due, and how a decision about them becomes runs, once.

internal import Postgres

enum TicksSQL {
    static let all = [due, next, fire, make]

    /// Schedules of this node's shards that somebody must look at.
    static let due = PostgresStatement(
        "ticks.due",
        [.int8, .int8],
        """
        SELECT \(SchedulesSQL.columns) FROM \(SchedulesSQL.tables)
        JOIN shard h ON h.shard_id = l.shard_id AND h.owner = $1
        WHERE s.paused_by IS NULL AND s.next_at <= now() ORDER BY s.next_at LIMIT $2
        """
    )

    /// How long until the first of this node's schedules is due, in milliseconds.
    static let next = PostgresStatement(
        "ticks.next",
        [.int8],
        """
        SELECT ceil(extract(epoch FROM s.next_at - now()) * 1000)::bigint
        FROM schedule s JOIN lane l ON l.id = s.lane_id
        JOIN shard h ON h.shard_id = l.shard_id AND h.owner = $1
        WHERE s.paused_by IS NULL AND s.next_at IS NOT NULL ORDER BY s.next_at LIMIT 1
        """
    )

    /// Runs that may be made where: FOR SHARE, so that a session cannot end meanwhile.
    private static func open(_ lanes: String) -> String {
        """
        open AS MATERIALIZED (
            SELECT l.id, l.shard_id, l.ageing_ms FROM lane l
            JOIN session n ON n.id = l.session_id AND n.status = 'active'
            WHERE l.id IN (SELECT lane_id FROM \(lanes)) ORDER BY n.id FOR SHARE OF n)
        """
    }

    /// A run's columns as ``fire`` and ``make`` fill them for ticks whose runs need not be unique; `who`
    /// started them, `g` is the schedule, `o` its lane.
    private static func plain(plan: String, inputs: String, who: String) -> String {
        """
        made AS (
            INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, due_at, template,
                started_by, key, is_delayed, rank)
            SELECT p.run_id, g.lane_id, o.shard_id, \(PlansSQL.held(plan)), g.priority,
                \(inputs),
                now() + g.delay_ms * interval '1 ms', g.template, \(who), g.key, g.delay_ms > 0,
                run_rank(now() + g.delay_ms * interval '1 ms', g.priority, o.ageing_ms)
            FROM picked p JOIN given g ON g.id = p.schedule_id JOIN open o ON o.id = g.lane_id
            ORDER BY p.run_id RETURNING id),
        dated AS (
            INSERT INTO run_deadline (run_id, kind, at, after_ms)
            SELECT p.run_id, v.kind, v.at, v.after_ms FROM picked p
            JOIN given g ON g.id = p.schedule_id CROSS JOIN LATERAL (VALUES
                ('start', now() + g.ttl_ms * interval '1 ms', NULL::bigint),
                ('end', NULL, g.deadline_ms)) v (kind, at, after_ms)
            WHERE v.at IS NOT NULL OR v.after_ms IS NOT NULL)
        """
    }

    /// Decisions about many schedules, each if nothing was decided since it was read (`$2`); the
    /// ticks are `$9` and `$10`, `$11` is the unique key of their runs, NULL without one. SKIP LOCKED in
    /// the order of their numbers: nobody waits in a circle, and one that somebody edits now is looked
    /// at again. A tick that has a run gets no other. Unique keys are taken in one order, as everywhere.
    static let fire = PostgresStatement(
        "ticks.fire",
        [
            .int8Array, .int8Array, .int8Array, .int8Array, .int8Array, .textArray, .byteaArray,
            .textArray, .int8Array, .int8Array, .textArray,
        ],
        """
        WITH given AS MATERIALIZED (
            SELECT s.id, s.changed_by, s.lane_id, s.priority, s.template, s.key, s.delay_ms, s.ttl_ms,
                s.deadline_ms, i.cursor_s, i.next_ms, i.drops, i.reason, i.digest, i.inputs, i.unique_key
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $11)
                AS i (id, move_no, cursor_s, next_ms, drops, reason, digest, inputs, unique_key)
            JOIN schedule s ON s.id = i.id AND s.move_no = i.move_no AND s.paused_by IS NULL
            ORDER BY s.id FOR UPDATE OF s SKIP LOCKED),
        \(open("given")),
        seen AS (
            UPDATE schedule_run o SET ended = true FROM given g
            WHERE o.schedule_id = g.id AND NOT o.ended AND NOT EXISTS (
                SELECT FROM run r WHERE r.id = o.run_id
                AND r.status IN ('queued', 'claimed', 'running', 'waiting'))),
        wanted AS MATERIALIZED (
            SELECT t.id, to_timestamp(t.tick) AS tick, t.n, g.unique_key
            FROM unnest($9, $10) WITH ORDINALITY AS t (id, tick, n)
            JOIN given g ON g.id = t.id JOIN open o ON o.id = g.lane_id),
        took AS MATERIALIZED (
            SELECT w.id AS schedule_id, w.tick, t.id, t.outcome FROM (
                SELECT w.*, g.digest, g.inputs, g.changed_by FROM wanted w JOIN given g ON g.id = w.id
                WHERE w.unique_key IS NOT NULL ORDER BY w.unique_key, w.n) w
            CROSS JOIN LATERAL schedule_unique_run(
                w.id, w.tick, false, w.unique_key, w.digest, w.inputs, w.changed_by) t),
        moved AS (
            UPDATE schedule s SET cursor_at = greatest(s.cursor_at, to_timestamp(g.cursor_s)),
                next_at = to_timestamp(g.next_ms / 1000.0), move_no = s.move_no + 1,
                dropped = s.dropped + g.drops + coalesce(u.n, 0),
                last_drop = coalesce(u.outcome, g.reason, s.last_drop),
                last_drop_at = CASE WHEN coalesce(u.outcome, g.reason) IS NULL THEN s.last_drop_at
                    ELSE now() END
            FROM given g LEFT JOIN (
                SELECT t.schedule_id, count(*) AS n,
                    (array_agg(t.outcome ORDER BY t.tick DESC))[1] AS outcome
                FROM took t WHERE t.outcome <> 'made' GROUP BY t.schedule_id) u ON u.schedule_id = g.id
            WHERE s.id = g.id RETURNING s.id),
        picked AS (
            INSERT INTO schedule_run (schedule_id, tick, manual, run_id)
            SELECT w.id, w.tick, false, nextval('run_id') FROM (
                SELECT * FROM wanted WHERE unique_key IS NULL ORDER BY n) w
            ON CONFLICT (schedule_id, manual, tick) DO NOTHING RETURNING schedule_id, run_id),
        \(plain(plan: "g.digest", inputs: "g.inputs", who: "g.changed_by")),
        done AS (
            SELECT p.schedule_id, p.run_id AS id, 'made' AS outcome FROM picked p
            UNION ALL SELECT t.schedule_id, t.id, t.outcome FROM took t)
        SELECT m.n, d.schedule_id, d.id, d.outcome, g.lane_id, g.delay_ms
        FROM (SELECT count(*) AS n FROM moved) m LEFT JOIN done d ON true
        LEFT JOIN given g ON g.id = d.schedule_id ORDER BY d.id
        """
    )

    /// Runs that a person asks for: of ticks (`$8`, in seconds), or of this moment (`$9`); `$10` is who
    /// asks, `$11` the unique key of the runs, NULL without one.
    static let make = PostgresStatement(
        "ticks.make",
        RequestKeysSQL.types + [.int8, .int8, .bytea, .text, .int8Array, .bool, .text, .text],
        """
        WITH given AS (
            UPDATE schedule s SET move_no = s.move_no + 1 WHERE s.id = $4 AND s.move_no = $5
            RETURNING s.id, s.lane_id, s.priority, s.template, s.key, s.delay_ms, s.ttl_ms, s.deadline_ms),
        \(open("given")),
        wanted AS MATERIALIZED (
            SELECT g.id, t.tick FROM given g JOIN open o ON o.id = g.lane_id CROSS JOIN (
                SELECT to_timestamp(i.s) FROM unnest($8) AS i (s) WHERE NOT $9
                UNION ALL SELECT clock_timestamp() WHERE $9) t (tick) ORDER BY t.tick),
        took AS MATERIALIZED (
            SELECT t.id, t.outcome FROM wanted w CROSS JOIN LATERAL schedule_unique_run(
                w.id, w.tick, $9, $11, $6, $7, $10) t WHERE $11 IS NOT NULL),
        picked AS (
            INSERT INTO schedule_run (schedule_id, tick, manual, run_id)
            SELECT w.id, w.tick, $9, nextval('run_id') FROM wanted w WHERE $11 IS NULL
            ON CONFLICT (schedule_id, manual, tick) DO NOTHING RETURNING schedule_id, run_id),
        \(plain(plan: "$6", inputs: "$7", who: "$10")),
        done AS (
            SELECT p.run_id AS id, 'made' AS outcome FROM picked p
            UNION ALL SELECT t.id, t.outcome FROM took t),
        keyed AS (
            INSERT INTO request_key (\(RequestKeysSQL.columns), detail)
            SELECT $1, $2, $3, CASE WHEN $9 THEN 'run' ELSE 'backfill' END,
                CASE WHEN $9 THEN (SELECT d.id FROM done d) ELSE g.id END,
                (SELECT count(*) FROM done d WHERE d.outcome = 'made')::text
            FROM given g JOIN open o ON o.id = g.lane_id WHERE $2 IS NOT NULL
            AND NOT ($9 AND EXISTS (SELECT FROM done d WHERE d.outcome = 'held')))
        SELECT g.lane_id, g.delay_ms, n.made, n.others, n.news, n.run, n.outcome
        FROM given g CROSS JOIN (
            SELECT count(*) FILTER (WHERE d.outcome = 'made') AS made,
                count(*) FILTER (WHERE d.outcome <> 'made') AS others,
                count(*) FILTER (WHERE d.outcome IN ('made', 'replaced', 'debounced')) AS news,
                min(d.id) AS run, min(d.outcome) AS outcome FROM done d) n
        """
    )
}
