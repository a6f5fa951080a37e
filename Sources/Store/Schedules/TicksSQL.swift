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

    /// Decisions about many schedules, each if nothing was decided since it was read (`$2`); the
    /// ticks are `$9` and `$10`. SKIP LOCKED in the order of their numbers: nobody waits in a circle,
    /// and one that somebody edits now is looked at again. A tick that has a run gets no other.
    static let fire = PostgresStatement(
        "ticks.fire",
        [
            .int8Array, .int8Array, .int8Array, .int8Array, .int8Array, .textArray, .byteaArray,
            .textArray, .int8Array, .int8Array,
        ],
        """
        WITH given AS MATERIALIZED (
            SELECT s.id, s.changed_by, s.lane_id, s.priority, s.template, i.cursor_s, i.next_ms, i.drops,
                i.reason, i.digest, i.inputs
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
                AS i (id, move_no, cursor_s, next_ms, drops, reason, digest, inputs)
            JOIN schedule s ON s.id = i.id AND s.move_no = i.move_no AND s.paused_by IS NULL
            ORDER BY s.id FOR UPDATE OF s SKIP LOCKED),
        moved AS (
            UPDATE schedule s SET cursor_at = greatest(s.cursor_at, to_timestamp(g.cursor_s)),
                next_at = to_timestamp(g.next_ms / 1000.0), move_no = s.move_no + 1,
                dropped = s.dropped + g.drops, last_drop = coalesce(g.reason, s.last_drop),
                last_drop_at = CASE WHEN g.reason IS NULL THEN s.last_drop_at ELSE now() END
            FROM given g WHERE s.id = g.id RETURNING s.id),
        \(open("given")),
        seen AS (
            UPDATE schedule_run o SET ended = true FROM given g
            WHERE o.schedule_id = g.id AND NOT o.ended AND NOT EXISTS (
                SELECT FROM run r WHERE r.id = o.run_id
                AND r.status IN ('queued', 'claimed', 'running', 'waiting'))),
        picked AS (
            INSERT INTO schedule_run (schedule_id, tick, manual, run_id)
            SELECT w.id, to_timestamp(w.tick), false, nextval('run_id') FROM (
                SELECT t.id, t.tick FROM unnest($9, $10) WITH ORDINALITY AS t (id, tick, n)
                JOIN given g ON g.id = t.id JOIN open o ON o.id = g.lane_id ORDER BY t.n) w
            ON CONFLICT (schedule_id, manual, tick) DO NOTHING RETURNING schedule_id, run_id),
        made AS (
            INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, template,
                started_by, rank)
            SELECT p.run_id, g.lane_id, o.shard_id, g.digest, g.priority, g.inputs, g.template,
                g.changed_by, run_rank(now(), g.priority, o.ageing_ms)
            FROM picked p JOIN given g ON g.id = p.schedule_id JOIN open o ON o.id = g.lane_id
            ORDER BY p.run_id RETURNING id, lane_id)
        SELECT m.n, made.id, made.lane_id FROM (SELECT count(*) AS n FROM moved) m
        LEFT JOIN made ON true ORDER BY made.id
        """
    )

    /// Runs that a person asks for: of ticks (`$8`, in seconds), or of this moment (`$9`); `$10` is who asks.
    static let make = PostgresStatement(
        "ticks.make",
        RequestKeysSQL.types + [.int8, .int8, .bytea, .text, .int8Array, .bool, .text],
        """
        WITH given AS (
            UPDATE schedule s SET move_no = s.move_no + 1 WHERE s.id = $4 AND s.move_no = $5
            RETURNING s.id, s.lane_id, s.priority, s.template),
        \(open("given")),
        picked AS (
            INSERT INTO schedule_run (schedule_id, tick, manual, run_id)
            SELECT w.id, w.tick, $9, nextval('run_id') FROM (
                SELECT g.id, t.tick FROM given g JOIN open o ON o.id = g.lane_id CROSS JOIN (
                    SELECT to_timestamp(i.s) FROM unnest($8) AS i (s) WHERE NOT $9
                    UNION ALL SELECT clock_timestamp() WHERE $9) t (tick) ORDER BY t.tick) w
            ON CONFLICT (schedule_id, manual, tick) DO NOTHING RETURNING run_id),
        made AS (
            INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, template,
                started_by, rank)
            SELECT p.run_id, g.lane_id, o.shard_id, $6, g.priority, $7, g.template, $10,
                run_rank(now(), g.priority, o.ageing_ms)
            FROM picked p CROSS JOIN given g JOIN open o ON o.id = g.lane_id
            ORDER BY p.run_id RETURNING id),
        keyed AS (
            INSERT INTO request_key (\(RequestKeysSQL.columns), detail)
            SELECT $1, $2, $3, CASE WHEN $9 THEN 'run' ELSE 'backfill' END,
                CASE WHEN $9 THEN (SELECT p.run_id FROM picked p) ELSE g.id END,
                (SELECT count(*) FROM picked)::text
            FROM given g JOIN open o ON o.id = g.lane_id WHERE $2 IS NOT NULL)
        SELECT g.lane_id, (SELECT count(*) FROM picked), (SELECT min(made.id) FROM made)
        FROM given g
        """
    )
}
