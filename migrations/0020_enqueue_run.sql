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

-- Queues a run and tells its letters. `plan` is a template's name or a plan's digest. With an
-- `idempotency_key` that the lane knows it makes nothing and tells of the run that has it. FOR SHARE:
-- the session cannot end before the client's transaction does. Nodes look once a second; `wake` has
-- them hear of it at the commit, which then waits for those of all other clients that say so.
CREATE FUNCTION enqueue_run(
    lane            text,
    plan            text,
    inputs          jsonb DEFAULT '{}',
    session         text DEFAULT 'default',
    priority        integer DEFAULT 0,
    delay           interval DEFAULT '0',
    idempotency_key text DEFAULT NULL,
    key             text DEFAULT '',
    wake            boolean DEFAULT false
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    place  record;
    made   record;
    id     bigint;
    bound  jsonb;
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
    SELECT l.id, l.shard_id, l.ageing_ms INTO place FROM lane l
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
    bound := run_inputs(coalesce(made.declared, '{}'), inputs);
    id := nextval('run_id');
    IF idempotency_key IS NOT NULL THEN
        -- Waits for another transaction that uses the key at this moment.
        INSERT INTO run_key (lane_id, key, run_id) VALUES (place.id, idempotency_key, id)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT k.run_id INTO id FROM run_key k
            WHERE k.lane_id = place.id AND k.key = idempotency_key;
            IF EXISTS (SELECT FROM run_any r WHERE r.id = id
                AND (r.plan_digest <> made.digest OR CASE WHEN left(r.inputs, 1) = '{'
                    THEN r.inputs::jsonb <> bound ELSE false END)) THEN
                RAISE EXCEPTION 'the idempotency key was used for another run, %', run_letters(id)
                    USING ERRCODE = '22023', HINT = 'use a new key for a new run, such as a UUID';
            END IF;
            RETURN run_letters(id);
        END IF;
    END IF;
    due := clock_timestamp() + delay;
    INSERT INTO run (id, lane_id, shard_id, plan_digest, priority, inputs, due_at, enqueued_at,
        idempotency_key, template, started_by, key, is_delayed, rank)
    VALUES (id, place.id, place.shard_id, made.digest, priority,
        CASE WHEN bound = '{}' THEN '{}' ELSE bound::text END, due, clock_timestamp(),
        idempotency_key, made.template, 'sql:' || session_user, key, delay > interval '0',
        run_rank(due, priority, place.ageing_ms));
    IF wake THEN PERFORM pg_notify('opsroom_work', place.id::text); END IF;
    RETURN run_letters(id);
END $$;

-- The same for many: a list of objects whose members are the parameters above (`delay` as Postgres
-- writes intervals), at most 10,000. All or none; the letters come in the order of the list.
CREATE FUNCTION enqueue_runs(runs jsonb) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    known CONSTANT text[] := ARRAY['lane', 'plan', 'inputs', 'session', 'priority', 'delay',
        'idempotency_key', 'key', 'wake'];
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
        ORDER BY e.value ->> 'session', e.value ->> 'lane', e.value ->> 'idempotency_key', n
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
            coalesce(wish.run ->> 'key', ''), coalesce((wish.run ->> 'wake')::boolean, false));
    END LOOP;
    RETURN QUERY SELECT m FROM unnest(made) WITH ORDINALITY AS u (m, n) ORDER BY u.n;
END $$;

REVOKE ALL ON FUNCTION enqueue_run FROM PUBLIC;
REVOKE ALL ON FUNCTION enqueue_runs FROM PUBLIC;
