-- A run that is replaced is another one: its key and deadlines are the new one's, and nothing that was
-- decided about the old one counts for it.

DROP FUNCTION run_unique_take;

-- Takes a key for the run `mine`, which is stored in the same transaction, or deals with the run that
-- has it as `policy` says. Tells which run has the key now and what was done: `made`, `joined`,
-- `replaced`, `debounced`, or `held` when nothing was. Only a run that nobody has claimed and nobody
-- wants to end is replaced; it goes to the lane of who replaces it, and is that one's run from then on:
-- what people decided about what it was, signals to it and its deadlines go. Rows of deadlines are
-- locked before the run's, as by who ends what is late. The loop goes on when the other run ended in
-- the meantime.
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
            plan_digest = (SELECT p.digest FROM plan p WHERE p.digest = new_plan),
            priority = new_priority, inputs = new_inputs, template = new_template,
            started_by = person, key = new_key, due_at = due, is_delayed = due > now(),
            rank = run_rank(due, new_priority, l.ageing_ms)
        FROM lane l WHERE r.id = other.run_id AND l.id = new_lane;
        DELETE FROM approval_decision d WHERE d.run_id = other.run_id;
        DELETE FROM signal s WHERE s.run_id = other.run_id;
        DELETE FROM run_deadline d WHERE d.run_id = other.run_id;
        RETURN QUERY SELECT other.run_id, policy || 'd';
        RETURN;
    END LOOP;
END $$;

-- Until when a run must have begun or ended, stored with it.
CREATE FUNCTION enqueue_deadlines(run bigint, ttl interval, deadline interval, deadline_at timestamptz)
RETURNS void LANGUAGE sql SET search_path = public, pg_temp AS $$
    INSERT INTO run_deadline (run_id, kind, at, after_ms)
    SELECT run, v.of, v.at, v.after FROM (VALUES
        ('start', clock_timestamp() + ttl, NULL::bigint),
        ('end', deadline_at, NULL),
        ('end', NULL, enqueue_ms(deadline))) v (of, at, after)
    WHERE v.at IS NOT NULL OR v.after IS NOT NULL;
$$;
REVOKE ALL ON FUNCTION enqueue_deadlines FROM PUBLIC;

-- Queues a run and tells its letters. `plan` is a template's name or a plan's digest. With an
-- `idempotency_key` that the lane knows it makes nothing and tells of the run that has it. Of a
-- `unique_key` there is one run in the lane, or in the session (`unique_in`), until that has ended or for
-- `unique_for`; when another one has it, `on_conflict` says what follows: `reject` refuses this one (SQLSTATE
-- 23505), `join` tells of the other one, `replace` and `debounce` make that this one if nobody has
-- claimed it, its key and deadlines included. A run that is made begins within `ttl`, and ends within `deadline` of its beginning or by
-- `deadline_at`, or it is timed out. Locks are taken in this order: session, idempotency key, then as
-- `run_unique_take` does. FOR SHARE: the session cannot end before the client's transaction does. Nodes
-- look once a second; `wake` has them hear of it at the commit, which then waits for those of all
-- other clients that say so.
CREATE OR REPLACE FUNCTION enqueue_run(
    lane            text,
    plan            text,
    inputs          jsonb DEFAULT '{}',
    session         text DEFAULT 'default',
    priority        integer DEFAULT 0,
    delay           interval DEFAULT '0',
    idempotency_key text DEFAULT NULL,
    key             text DEFAULT '',
    wake            boolean DEFAULT false,
    unique_key      text DEFAULT NULL,
    unique_in       text DEFAULT 'lane',
    unique_for      interval DEFAULT NULL,
    on_conflict     text DEFAULT 'reject',
    debounce_max    interval DEFAULT '1 hour',
    ttl             interval DEFAULT NULL,
    deadline        interval DEFAULT NULL,
    deadline_at     timestamptz DEFAULT NULL
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    year   CONSTANT interval := '366 days';
    person CONSTANT text := 'sql:' || session_user;
    place  record;
    made   record;
    took   record;
    id     bigint;
    bound  jsonb;
    given  text;
    kind   text;
    due    timestamptz;
BEGIN
    SELECT s.id, s.status INTO place FROM session s WHERE s.name = session FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no session ''%''', session USING ERRCODE = '22023',
            HINT = 'opsroom sessions create makes one';
    ELSIF place.status <> 'active' THEN
        RAISE EXCEPTION 'session ''%'' is %', session, place.status USING ERRCODE = '22023',
            HINT = 'use a session that is active';
    END IF;
    SELECT l.id, l.shard_id, l.ageing_ms, l.session_id INTO place FROM lane l
    WHERE l.session_id = place.id AND l.name = lane AND position('/' IN l.name) = 0;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'session ''%'' has no lane ''%''', session, lane USING ERRCODE = '22023',
            HINT = 'POST /v1/sessions/' || session || '/lanes makes one';
    END IF;
    IF plan LIKE 'sha256:%' THEN
        SELECT p.digest, NULL::text AS template, (p.body::json -> 'inputs')::jsonb AS declared
        INTO made FROM plan p WHERE p.digest = CASE WHEN plan ~ '^sha256:[0-9a-f]{64}$'
            THEN decode(substr(plan, 8), 'hex') END;
    ELSE
        SELECT p.digest, t.name AS template, (p.body::json -> 'inputs')::jsonb AS declared
        INTO made FROM template t JOIN plan p ON p.digest = t.plan_digest WHERE t.name = plan;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no plan ''%''', plan USING ERRCODE = '22023',
            HINT = 'name a template, or a plan that is stored by its digest, sha256:...';
    END IF;
    IF priority IS NULL OR priority NOT BETWEEN -1000000 AND 1000000 THEN
        RAISE EXCEPTION 'a priority is from -1000000 to 1000000' USING ERRCODE = '22023';
    ELSIF delay IS NULL OR delay < interval '0' OR delay > interval '366 days' THEN
        RAISE EXCEPTION 'a delay is from 0 to a year' USING ERRCODE = '22023';
    ELSIF key IS NULL OR octet_length(key) > 200 THEN
        RAISE EXCEPTION 'a key has at most 200 bytes' USING ERRCODE = '22023';
    ELSIF idempotency_key IS NOT NULL AND octet_length(idempotency_key) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION 'an idempotency key has from 1 to 255 bytes' USING ERRCODE = '22023';
    END IF;
    PERFORM enqueue_refuse(coalesce(octet_length(unique_key) NOT BETWEEN 1 AND 255, false),
        'a unique key has from 1 to 255 bytes');
    PERFORM enqueue_refuse(unique_in NOT IN ('lane', 'session'), 'unique_in is lane or session');
    PERFORM enqueue_refuse(on_conflict NOT IN ('reject', 'replace', 'join', 'debounce'),
        'on_conflict is reject, replace, join or debounce');
    PERFORM enqueue_refuse(
        unique_key IS NULL AND (unique_for IS NOT NULL OR on_conflict <> 'reject'),
        'unique_for and on_conflict are of a unique run', 'say unique_key');
    PERFORM enqueue_refuse(coalesce(unique_for <= '0' OR unique_for > '30 days', false),
        'a unique key is taken for more than 0 and at most 30 days');
    PERFORM enqueue_refuse(debounce_max <= '0' OR debounce_max > year,
        'debounce_max is more than 0 and at most a year');
    PERFORM enqueue_refuse(on_conflict = 'debounce' AND delay = '0',
        'a run that is put off by others needs a delay',
        'say delay: for how long nobody else may ask for it');
    PERFORM enqueue_refuse(coalesce(ttl <= '0' OR ttl > year, false),
        'a ttl is more than 0 and at most a year');
    PERFORM enqueue_refuse(coalesce(deadline <= '0' OR deadline > year, false),
        'a deadline is more than 0 and at most a year');
    PERFORM enqueue_refuse(deadline IS NOT NULL AND deadline_at IS NOT NULL,
        'say deadline or deadline_at, not both');
    PERFORM enqueue_refuse(coalesce(NOT isfinite(deadline_at), false), 'deadline_at is a moment');
    bound := run_inputs(coalesce(made.declared, '{}'), inputs);
    given := CASE WHEN bound = '{}' THEN '{}' ELSE bound::text END;
    id := nextval('run_id');
    IF idempotency_key IS NOT NULL THEN
        -- Waits for another transaction that uses the key at this moment.
        INSERT INTO run_key (lane_id, key, run_id) VALUES (place.id, idempotency_key, id)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT k.run_id INTO id FROM run_key k
            WHERE k.lane_id = place.id AND k.key = idempotency_key;
            -- A run that was joined or replaced has other inputs, and sealed ones tell nothing.
            IF unique_key IS NULL AND EXISTS (SELECT FROM run_any r WHERE r.id = id
                AND (r.plan_digest <> made.digest OR CASE
                    WHEN r.inputs LIKE '{"sealed":"v1"%' THEN false
                    WHEN left(r.inputs, 1) = '{' THEN r.inputs::jsonb <> bound ELSE false END)) THEN
                RAISE EXCEPTION 'the idempotency key was used for another run, %', run_letters(id)
                    USING ERRCODE = '22023', HINT = 'use a new key for a new run, such as a UUID';
            END IF;
            RETURN run_letters(id);
        END IF;
    END IF;
    IF unique_key IS NOT NULL THEN
        kind := CASE unique_in WHEN 'session' THEN 's' || place.session_id ELSE 'l' || place.id END
            || ':' || unique_key;
        SELECT t.id, t.outcome INTO took FROM run_unique_take(kind, id, place.id,
            enqueue_ms(unique_for), on_conflict, made.digest, priority, given, enqueue_ms(delay),
            enqueue_ms(debounce_max), made.template, person, key) t;
        IF took.outcome = 'held' THEN
            RAISE EXCEPTION 'run % has the unique key ''%''', run_letters(took.id), unique_key
                USING ERRCODE = '23505', HINT = CASE on_conflict
                    WHEN 'reject' THEN 'wait for its end, or say on_conflict: join tells of it'
                    ELSE 'it has begun: wait for its end, or join it' END;
        ELSIF took.outcome <> 'made' THEN
            UPDATE run_key k SET run_id = took.id
            WHERE k.lane_id = place.id AND k.key = idempotency_key;
            IF took.outcome <> 'joined' THEN
                PERFORM enqueue_deadlines(took.id, ttl, deadline, deadline_at);
            END IF;
            IF wake THEN PERFORM pg_notify('opsroom_work', place.id::text); END IF;
            RETURN run_letters(took.id);
        END IF;
    END IF;
    due := clock_timestamp() + delay;
    INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, due_at, enqueued_at,
        idempotency_key, template, started_by, key, is_delayed, rank, unique_key, unique_ms)
    VALUES (id, place.id, place.shard_id, made.digest, priority, given, due, clock_timestamp(),
        idempotency_key, made.template, person, key, delay > interval '0',
        run_rank(due, priority, place.ageing_ms), kind, enqueue_ms(unique_for));
    PERFORM enqueue_deadlines(id, ttl, deadline, deadline_at);
    IF wake THEN PERFORM pg_notify('opsroom_work', place.id::text); END IF;
    RETURN run_letters(id);
END $$;

-- The keys of a run that is forgotten, whichever way they came to it: one that joined or replaced it
-- stands in no column of it.
CREATE INDEX run_key_run ON run_key (run_id);

-- As in 0019 but for these keys.
CREATE OR REPLACE FUNCTION history_forget_runs(part text, after bigint, at_most integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(7302, 1);
    IF part !~ '^run_gone_\d{8}$' OR to_regclass(part) IS NULL THEN RETURN NULL; END IF;
    EXECUTE format('SELECT array_agg(id) FROM (
        SELECT id FROM %I WHERE id > $1 ORDER BY id LIMIT $2) o', part)
        INTO ids USING after, at_most;
    IF ids IS NULL THEN
        EXECUTE format('DROP TABLE %I', part);
        RETURN NULL;
    END IF;
    DELETE FROM run_key WHERE run_id = ANY (ids);
    -- A run that was queued again since lies elsewhere and keeps what it has.
    WITH gone AS (
        DELETE FROM artifact WHERE run_id = ANY (ids) RETURNING digest, node, content)
    INSERT INTO file_gone (node, digest)
    SELECT DISTINCT node, digest FROM gone WHERE content IS NULL AND node IS NOT NULL
    ON CONFLICT DO NOTHING;
    DELETE FROM step_journal WHERE run_id = ANY (ids);
    DELETE FROM signal WHERE run_id = ANY (ids);
    DELETE FROM approval WHERE run_id = ANY (ids);
    DELETE FROM approval_decision WHERE run_id = ANY (ids);
    DELETE FROM schedule_run WHERE run_id = ANY (ids);
    DELETE FROM external_claim WHERE run_id = ANY (ids);
    RETURN ids[cardinality(ids)];
END $$;
