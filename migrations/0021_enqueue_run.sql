-- Runs from plain SQL, inside a client's own transaction: they are there if and only if it commits.
-- Both functions act with their owner's rights and are nobody's until somebody is granted them:
-- GRANT EXECUTE ON FUNCTION enqueue_run, enqueue_runs TO my_app;

-- A run's number as the eight letters that people and the API know it by.
CREATE FUNCTION run_letters(run bigint) RETURNS text IMMUTABLE STRICT LANGUAGE sql RETURN (
    SELECT string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', ((o.bits >> s) & 31)::integer + 1, 1), ''
            ORDER BY s DESC)
    FROM (SELECT (((run & 1048575) * 679535556987)
        + (((((run >> 20) * 679535556987) & 1048575)) << 20)) & 1099511627775) o (bits),
    generate_series(0, 35, 5) s);

-- All inputs of a plan, defaults filled in; refuses what the plan does not take.
CREATE FUNCTION run_inputs(declared jsonb, given jsonb) RETURNS jsonb IMMUTABLE LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    filled jsonb := '{}';
    name   text;
    said   jsonb;
    kind   text;
    value  jsonb;
BEGIN
    IF jsonb_typeof(given) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'inputs must be a JSON object' USING ERRCODE = '22023';
    END IF;
    SELECT k INTO name FROM jsonb_object_keys(given) k WHERE NOT declared ? k ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the plan has no input ''%''', name USING ERRCODE = '22023',
            HINT = 'it takes: ' || coalesce((SELECT string_agg(k, ', ' ORDER BY k)
                FROM jsonb_object_keys(declared) k), 'none');
    END IF;
    FOR name, said IN SELECT d.key, d.value FROM jsonb_each(declared) d ORDER BY d.key LOOP
        kind := said ->> 'type';
        value := coalesce(given -> name, nullif(said -> 'default', 'null'));
        IF value IS NULL THEN
            RAISE EXCEPTION 'input ''%'' is missing', name USING ERRCODE = '22023',
                HINT = 'give a value of type ' || kind;
        END IF;
        IF (CASE kind WHEN 'integer' THEN value::text !~ '^-?\d{1,18}$'
            ELSE jsonb_typeof(value) <> kind END) THEN
            RAISE EXCEPTION 'input ''%'' must be of type %', name, kind USING ERRCODE = '22023';
        END IF;
        IF jsonb_typeof(said -> 'enum') = 'array' AND NOT EXISTS (
            SELECT FROM jsonb_array_elements(said -> 'enum') e WHERE e.value = value) THEN
            RAISE EXCEPTION 'input ''%'' must be one of %', name, said -> 'enum'
                USING ERRCODE = '22023';
        END IF;
        IF said ->> 'format' = 'path' AND left(value #>> '{}', 1) <> '/' THEN
            RAISE EXCEPTION 'input ''%'' must be an absolute path', name USING ERRCODE = '22023';
        END IF;
        filled := filled || jsonb_build_object(name, value);
    END LOOP;
    IF octet_length(filled::text) > 262144 THEN
        RAISE EXCEPTION 'the inputs are larger than 262144 bytes' USING ERRCODE = '22023';
    END IF;
    RETURN filled;
END $$;

-- Refuses in one sentence what is wrong, or not said.
CREATE FUNCTION enqueue_refuse(is_wrong boolean, sentence text, hint text DEFAULT '') RETURNS void
IMMUTABLE LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF is_wrong IS FALSE THEN RETURN; END IF;
    IF hint = '' THEN RAISE EXCEPTION '%', sentence USING ERRCODE = '22023'; END IF;
    RAISE EXCEPTION '%', sentence USING ERRCODE = '22023', HINT = hint;
END $$;

-- A time as the tables have it, a millisecond at least.
CREATE FUNCTION enqueue_ms(t interval) RETURNS bigint IMMUTABLE STRICT LANGUAGE sql
RETURN CASE WHEN t > '0' THEN greatest(1, (extract(epoch FROM t) * 1000)::bigint) ELSE 0 END;

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

-- Queues a run and tells its letters. `plan` is a template's name or a plan's digest. With an
-- `idempotency_key` that the lane knows it makes nothing and tells of the run that has it. Of a
-- `unique_key` there is one run in the lane, or in the session (`unique_in`), until that has ended or for
-- `unique_for`; when another one has it, `on_conflict` says what follows: `reject` refuses this one (SQLSTATE
-- 23505), `join` tells of the other one, `replace` and `debounce` make that this one if nobody has
-- claimed it, its key and deadlines included. A run that is made begins within `ttl`, and ends within
-- `deadline` of its beginning or by `deadline_at`, or it is timed out. Locks are taken in this order:
-- session, idempotency key, then as `run_unique_take` does. FOR SHARE: the session cannot end before the
-- client's transaction does. Nodes look once a second; `wake` has them hear of it at the commit, which
-- then waits for those of all other clients that say so.
CREATE FUNCTION enqueue_run(
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
        SELECT p.digest, p.unused_since, NULL::text AS template, (p.body::json -> 'inputs')::jsonb AS declared
        INTO made FROM plan p WHERE p.digest = CASE WHEN plan ~ '^sha256:[0-9a-f]{64}$'
            THEN decode(substr(plan, 8), 'hex') END;
    ELSE
        SELECT p.digest, p.unused_since, t.name AS template, (p.body::json -> 'inputs')::jsonb AS declared
        INTO made FROM template t JOIN plan p ON p.digest = t.plan_digest WHERE t.name = plan;
    END IF;
    -- Asked only where a plan may go before this transaction ends.
    IF NOT FOUND OR (made.unused_since IS NOT NULL
        OR current_setting('transaction_isolation') <> 'read committed')
        AND plan_held(made.digest) IS NULL THEN
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
    PERFORM enqueue_refuse(coalesce(deadline_at > clock_timestamp() + year, false),
        'deadline_at is at most a year from now');
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

-- The same for many: a list of objects whose members are the parameters above (times as Postgres
-- writes them), at most 10,000. All or none; the letters come in the order of the list.
CREATE FUNCTION enqueue_runs(runs jsonb) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    known CONSTANT text[] := ARRAY['lane', 'plan', 'inputs', 'session', 'priority', 'delay',
        'idempotency_key', 'key', 'wake', 'unique_key', 'unique_in', 'unique_for', 'on_conflict',
        'debounce_max', 'ttl', 'deadline', 'deadline_at'];
    wish  record;
    odd   text;
    made  text[] := '{}';
BEGIN
    IF jsonb_typeof(runs) IS DISTINCT FROM 'array' OR jsonb_array_length(runs) > 10000 THEN
        RAISE EXCEPTION 'runs must be a JSON list of at most 10000 objects' USING ERRCODE = '22023';
    END IF;
    -- Keys in one order, so that two who use the same ones do not wait in a circle.
    FOR wish IN SELECT e.value AS run, e.ordinality AS n
        FROM jsonb_array_elements(runs) WITH ORDINALITY e
        ORDER BY coalesce(e.value ->> 'session', 'default'), e.value ->> 'unique_key',
            e.value ->> 'lane', e.value ->> 'idempotency_key', n
    LOOP
        IF jsonb_typeof(wish.run) <> 'object' THEN
            RAISE EXCEPTION 'run % of the list is no object', wish.n USING ERRCODE = '22023';
        END IF;
        SELECT k INTO odd FROM jsonb_object_keys(wish.run) k WHERE k <> ALL (known) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'run % of the list has a member ''%''', wish.n, odd
                USING ERRCODE = '22023', HINT = 'known are: ' || array_to_string(known, ', ');
        END IF;
        made[wish.n] := enqueue_run(
            wish.run ->> 'lane', wish.run ->> 'plan', coalesce(wish.run -> 'inputs', '{}'),
            coalesce(wish.run ->> 'session', 'default'),
            coalesce((wish.run ->> 'priority')::integer, 0),
            coalesce((wish.run ->> 'delay')::interval, '0'), wish.run ->> 'idempotency_key',
            coalesce(wish.run ->> 'key', ''), coalesce((wish.run ->> 'wake')::boolean, false),
            unique_key => wish.run ->> 'unique_key',
            unique_in => coalesce(wish.run ->> 'unique_in', 'lane'),
            unique_for => (wish.run ->> 'unique_for')::interval,
            on_conflict => coalesce(wish.run ->> 'on_conflict', 'reject'),
            debounce_max => coalesce((wish.run ->> 'debounce_max')::interval, '1 hour'),
            ttl => (wish.run ->> 'ttl')::interval,
            deadline => (wish.run ->> 'deadline')::interval,
            deadline_at => (wish.run ->> 'deadline_at')::timestamptz);
    END LOOP;
    RETURN QUERY SELECT m FROM unnest(made) WITH ORDINALITY AS u (m, n) ORDER BY u.n;
END $$;

REVOKE ALL ON FUNCTION enqueue_run, enqueue_runs, enqueue_refuse, enqueue_ms, enqueue_deadlines FROM PUBLIC;
