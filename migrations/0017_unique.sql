-- Runs that no second one of their kind may stand beside. Whoever takes a key waits for nobody who
-- waits for it: the row of a run is locked before the row of its key, by those who end a run too.

-- The key with its scope (`l12:…` within lane 12, `s3:…` within session 3), and for how long it is
-- taken from the enqueuing on; without a time until the run has ended. NULL for most runs.
ALTER TABLE run_any ADD COLUMN unique_key text;
ALTER TABLE run_any ADD COLUMN unique_ms bigint;

-- Whose a key is. Written only for runs that ask for it.
CREATE TABLE run_unique (
    key      text PRIMARY KEY,
    run_id   bigint NOT NULL,
    -- NULL until the run has ended; then the row goes, in the same transaction.
    until    timestamptz,
    first_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX run_unique_run ON run_unique (run_id);
CREATE INDEX run_unique_until ON run_unique (until) WHERE until IS NOT NULL;

-- Takes a key for the run `mine`, which is stored in the same transaction, or deals with the run that
-- has it as `policy` says. Tells which run has the key now and what was done: `made`, `joined`,
-- `replaced`, `debounced`, or `held` when nothing was. Only a run that nobody has claimed and nobody
-- wants to end is replaced; it goes to the lane of who replaces it, and is that one's run from then on:
-- what people decided about what it was, signals to it and its deadlines go, it is not paused and not
-- put off any more, and it is not that of the schedule's tick that it was of: who replaces it says of
-- which it is. What a run has from its attempts (`retry_at`, `wait_reason`, `failure`) is empty in one that
-- nobody has claimed yet. Rows of deadlines are locked before the run's, as by who ends what is late. The
-- loop goes on when the other run ended in the meantime.
CREATE FUNCTION run_unique_take(
    wanted text, mine bigint, new_lane bigint, period_ms bigint, policy text, new_plan bytea, new_priority integer,
    new_inputs text, delay_ms bigint, debounce_ms bigint, new_template text, person text,
    new_key text)
RETURNS TABLE (id bigint, outcome text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    other record;
    due   timestamptz;
BEGIN
    LOOP
        INSERT INTO run_unique (key, run_id, until)
        VALUES (wanted, mine, clock_timestamp() + period_ms * interval '1 ms')
        ON CONFLICT (key) DO NOTHING;
        IF FOUND THEN RETURN QUERY SELECT mine, 'made'; RETURN; END IF;
        SELECT u.run_id, u.until, u.first_at INTO other FROM run_unique u WHERE u.key = wanted;
        CONTINUE WHEN NOT FOUND;
        IF coalesce(other.until <= clock_timestamp(),
            NOT EXISTS (SELECT FROM run r WHERE r.id = other.run_id)) THEN
            UPDATE run_unique u SET run_id = mine, first_at = clock_timestamp(),
                until = clock_timestamp() + period_ms * interval '1 ms'
            WHERE u.key = wanted AND u.run_id = other.run_id
            AND u.until IS NOT DISTINCT FROM other.until;
            IF FOUND THEN RETURN QUERY SELECT mine, 'made'; RETURN; END IF;
            CONTINUE;
        END IF;
        IF policy = 'join' THEN RETURN QUERY SELECT other.run_id, 'joined'; RETURN; END IF;
        IF policy = 'reject' THEN RETURN QUERY SELECT other.run_id, 'held'; RETURN; END IF;
        PERFORM FROM run_deadline d WHERE d.run_id = other.run_id ORDER BY d.kind FOR UPDATE;
        PERFORM FROM run r WHERE r.id = other.run_id AND r.status = 'queued' AND r.claim_no = 0
            AND r.request IS NULL FOR UPDATE;
        IF NOT FOUND THEN
            CONTINUE WHEN NOT EXISTS (
                SELECT FROM run_unique u WHERE u.key = wanted AND u.run_id = other.run_id);
            RETURN QUERY SELECT other.run_id, 'held';
            RETURN;
        END IF;
        PERFORM FROM run_unique u WHERE u.key = wanted AND u.run_id = other.run_id FOR UPDATE;
        CONTINUE WHEN NOT FOUND;
        due := now() + delay_ms * interval '1 ms';
        IF policy = 'debounce' THEN
            due := least(due, other.first_at + debounce_ms * interval '1 ms');
        END IF;
        UPDATE run r SET lane_id = l.id, shard_id = l.shard_id,
            plan_digest = plan_held(new_plan), priority = new_priority, inputs = new_inputs,
            template = new_template,
            started_by = person, key = new_key, due_at = due, is_delayed = due > now(),
            paused_by = NULL, pause_no = r.pause_no + (r.paused_by IS NOT NULL)::integer,
            rank = run_rank(due, new_priority, l.ageing_ms)
        FROM lane l WHERE r.id = other.run_id AND l.id = new_lane;
        DELETE FROM approval_decision d WHERE d.run_id = other.run_id;
        DELETE FROM signal s WHERE s.run_id = other.run_id;
        DELETE FROM schedule_run o WHERE o.run_id = other.run_id;
        DELETE FROM run_deadline d WHERE d.run_id = other.run_id;
        RETURN QUERY SELECT other.run_id, policy || 'd';
        RETURN;
    END LOOP;
END $$;

-- A run that was queued again in this very transaction takes its key again, or is refused with all
-- of it: the message is the number of the run that has the key.
CREATE FUNCTION run_unique_again(again bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
    other  bigint;
BEGIN
    SELECT r.unique_key AS key, r.unique_ms AS ms INTO wanted FROM run r
    WHERE r.id = again AND r.unique_key IS NOT NULL AND r.xmin = pg_current_xact_id()::xid;
    IF NOT FOUND THEN RETURN; END IF;
    INSERT INTO run_unique AS u (key, run_id, until)
    VALUES (wanted.key, again, clock_timestamp() + wanted.ms * interval '1 ms')
    ON CONFLICT (key) DO UPDATE SET run_id = EXCLUDED.run_id, until = EXCLUDED.until,
        first_at = clock_timestamp()
    WHERE u.run_id = EXCLUDED.run_id OR u.until <= clock_timestamp();
    IF FOUND THEN RETURN; END IF;
    SELECT u.run_id INTO other FROM run_unique u WHERE u.key = wanted.key;
    RAISE EXCEPTION '%', other USING ERRCODE = 'OR001';
END $$;
