-- What POST /v1/runs says of a run, a schedule says of the runs of its ticks: whom they are for, how long
-- they wait, until when they must have begun and ended, and what makes each the only one of its kind.

ALTER TABLE schedule
    ADD COLUMN key text NOT NULL DEFAULT '',
    ADD COLUMN delay_ms bigint NOT NULL DEFAULT 0 CHECK (delay_ms >= 0),
    ADD COLUMN ttl_ms bigint CHECK (ttl_ms > 0),
    ADD COLUMN deadline_ms bigint CHECK (deadline_ms > 0),
    -- Empty when it is made of the plan and the inputs that a tick finds; NULL when runs are not unique,
    -- and so are the others.
    ADD COLUMN unique_key text,
    ADD COLUMN unique_scope text CHECK (unique_scope IN ('lane', 'session')),
    ADD COLUMN unique_ms bigint CHECK (unique_ms > 0),
    ADD COLUMN unique_conflict text CHECK (unique_conflict IN ('reject', 'replace', 'join', 'debounce')),
    ADD COLUMN debounce_ms bigint CHECK (debounce_ms > 0),
    ADD CHECK ((unique_key IS NULL) = (unique_scope IS NULL)
        AND (unique_key IS NULL) = (unique_conflict IS NULL)
        AND (unique_key IS NULL) = (debounce_ms IS NULL));

-- Makes the unique run of a tick, or of a moment at which a person asks for it, in the statement that
-- decided about the schedule and so has its row. One after the other: of two ticks in one statement the
-- second finds the run of the first. Tells which run has the key now and what was done, as
-- `run_unique_take`; nothing of a tick that has a run. Only a run that is made, or that became what is
-- asked for, is the tick's: what another run stands for, or keeps from being made, a backfill may make.
CREATE FUNCTION schedule_unique_run(
    of_schedule bigint, moment timestamptz, by_hand boolean, of_kind text, new_plan bytea,
    new_inputs text, person text)
RETURNS TABLE (id bigint, outcome text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    said record;
    took record;
BEGIN
    IF EXISTS (SELECT FROM schedule_run o
        WHERE o.schedule_id = of_schedule AND o.manual = by_hand AND o.tick = moment) THEN RETURN; END IF;
    SELECT s.lane_id, s.priority, s.template, s.key, s.delay_ms, s.ttl_ms, s.deadline_ms, s.unique_ms,
        s.unique_conflict, s.debounce_ms, l.shard_id, l.ageing_ms,
        CASE s.unique_scope WHEN 'session' THEN 's' || l.session_id ELSE 'l' || l.id END
            || ':' || of_kind AS unique_key, now() + s.delay_ms * interval '1 ms' AS due
    INTO said FROM schedule s JOIN lane l ON l.id = s.lane_id WHERE s.id = of_schedule;
    SELECT t.id, t.outcome INTO took FROM run_unique_take(
        said.unique_key, nextval('run_id'), said.lane_id, said.unique_ms, said.unique_conflict, new_plan,
        said.priority, new_inputs, said.delay_ms, said.debounce_ms, said.template, person, said.key) t;
    IF took.outcome = 'made' THEN
        INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, due_at, template,
            started_by, unique_key, unique_ms, key, is_delayed, rank)
        VALUES (took.id, said.lane_id, said.shard_id, plan_held(new_plan), said.priority, new_inputs, said.due,
            said.template, person, said.unique_key, said.unique_ms, said.key, said.delay_ms > 0,
            run_rank(said.due, said.priority, said.ageing_ms));
    END IF;
    IF took.outcome IN ('made', 'replaced', 'debounced') THEN
        INSERT INTO schedule_run (schedule_id, tick, manual, run_id)
        VALUES (of_schedule, moment, by_hand, took.id);
        INSERT INTO run_deadline (run_id, kind, at, after_ms)
        SELECT took.id, v.of, v.at, v.after FROM (VALUES
            ('start', now() + said.ttl_ms * interval '1 ms', NULL::bigint),
            ('end', NULL, said.deadline_ms)) v (of, at, after)
        WHERE v.at IS NOT NULL OR v.after IS NOT NULL;
    END IF;
    RETURN QUERY SELECT took.id, took.outcome;
END $$;
