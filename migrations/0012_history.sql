-- What is under way and what has ended lie apart. `run` has the runs that have not ended and nothing
-- else: the queue's indexes stay small however much was done. What ended lies in a partition for each
-- day (UTC), and so do events; a day that is older than the retention is dropped as a whole.
-- `run_any` is both: what reads runs whether they ended or not asks it. A column of a run is added to
-- `run_any` and to the list in RunColumns.swift. A run is moved by DELETE and INSERT: an UPDATE that
-- moves a row between partitions fails when somebody else changes the row at the same moment.

DROP INDEX run_idempotency;
DROP INDEX run_lane;
DROP INDEX run_troubled;
DROP INDEX run_enqueued;
DROP INDEX run_finished;
ALTER TABLE run DROP CONSTRAINT run_status_check;
ALTER TABLE run
    -- Its whole journal as JSON, from its end on.
    ADD COLUMN steps   text,
    ADD COLUMN is_done boolean NOT NULL DEFAULT false;

CREATE TABLE run_any (LIKE run INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY LIST (is_done);
CREATE TABLE run_done PARTITION OF run_any (
    is_done     WITH OPTIONS DEFAULT true,
    finished_at WITH OPTIONS NOT NULL,
    CONSTRAINT run_has_ended CHECK (status IN ('succeeded', 'failed', 'cancelled', 'timed_out'))
) FOR VALUES IN (true) PARTITION BY RANGE (finished_at);
CREATE INDEX run_done_id ON run_done (id);
-- Lists by lane and session, newest first.
CREATE INDEX run_done_lane ON run_done (lane_id, id);
-- What went wrong, newest first: few among many.
CREATE INDEX run_done_troubled ON run_done (id) WHERE status IN ('failed', 'cancelled', 'timed_out');
CREATE INDEX run_done_template ON run_done (template, id) WHERE template IS NOT NULL;
CREATE INDEX run_done_children ON run_done (parent_run) WHERE parent_run IS NOT NULL;
-- Time ranges: a few bytes per hundred pages.
CREATE INDEX run_done_enqueued ON run_done USING brin (enqueued_at);
CREATE INDEX run_done_finished ON run_done USING brin (finished_at);

-- One log per lane, in chunks. The day is its writer's and is sent again with the chunk, so that a
-- chunk whose acknowledgement was lost meets itself.
ALTER TABLE run_events RENAME TO run_events_before;
ALTER TABLE run_events_before RENAME CONSTRAINT run_events_pkey TO run_events_before_pkey;
CREATE TABLE run_events (
    lane_id   bigint NOT NULL,
    first_seq bigint NOT NULL,
    n         integer NOT NULL CHECK (n > 0),
    bytes     bytea NOT NULL,
    stored_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    PRIMARY KEY (lane_id, first_seq, stored_on)
) PARTITION BY RANGE (stored_on);

-- Where what fits no day is put: nothing is refused because nobody made its day.
CREATE TABLE run_done_default PARTITION OF run_done DEFAULT;
CREATE TABLE run_events_default PARTITION OF run_events DEFAULT;

-- Makes a day's partition of `run_done` or `run_events`, with what was put aside for that day.
-- False when it was there. Who asks holds the lock of `history_ahead`.
CREATE FUNCTION history_make(parent text, day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    part text := parent || '_' || to_char(day, 'YYYYMMDD');
    low  text := CASE parent WHEN 'run_done' THEN day || ' 00:00:00+00' ELSE day::text END;
    high text := CASE parent WHEN 'run_done' THEN (day + 1) || ' 00:00:00+00' ELSE (day + 1)::text END;
    k    text := CASE parent WHEN 'run_done' THEN 'finished_at' ELSE 'stored_on' END;
BEGIN
    IF to_regclass(part) IS NOT NULL THEN RETURN false; END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
    EXECUTE format('WITH early AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *)
        INSERT INTO %I SELECT * FROM early', parent || '_default', k, low, k, high, part);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        parent, part, low, high);
    RETURN true;
END $$;

-- Makes the partitions of today and the `days` after it; tells how many were missing. A day is
-- attached between two statements of those who read: when they take longer it waits at most as long
-- as `lock_timeout` says, so that nobody waits behind it for longer.
CREATE FUNCTION history_ahead(days integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    made  bigint := 0;
    d     date;
    p     text;
BEGIN
    FOR d IN SELECT today + n FROM generate_series(0, days) n LOOP
        FOREACH p IN ARRAY ARRAY['run_done', 'run_events'] LOOP
            IF to_regclass(p || '_' || to_char(d, 'YYYYMMDD')) IS NULL THEN
                PERFORM pg_advisory_xact_lock(7302, 0);
                PERFORM set_config('lock_timeout', '1s', true);
                IF history_make(p, d) THEN made := made + 1; END IF;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

-- What is there goes where it belongs.
SELECT history_make('run_done', d) FROM (
    SELECT DISTINCT (coalesce(finished_at, now()) AT TIME ZONE 'UTC')::date FROM run
    WHERE status IN ('succeeded', 'failed', 'cancelled', 'timed_out')) o (d);
SELECT history_make('run_events', d) FROM (
    SELECT DISTINCT (stored_at AT TIME ZONE 'UTC')::date FROM run_events_before) o (d);
SELECT history_ahead(1);
UPDATE run SET finished_at = now() WHERE finished_at IS NULL
    AND status IN ('succeeded', 'failed', 'cancelled', 'timed_out');
WITH gone AS (
    DELETE FROM run WHERE status IN ('succeeded', 'failed', 'cancelled', 'timed_out') RETURNING *)
INSERT INTO run_done (
    id, lane_id, shard_id, plan_digest, status, priority, inputs, attempt, retry_count, claim_no,
    owner, due_at, idempotency_key, parent_run, depth, request_reason, outputs, failure, wait_reason,
    first_seq, last_seq, enqueued_at, started_at, finished_at, template, pause_no, paused_at,
    waiting_at)
SELECT id, lane_id, shard_id, plan_digest, status, priority, inputs, attempt, retry_count, claim_no,
    owner, due_at, idempotency_key, parent_run, depth, request_reason, outputs, failure, wait_reason,
    first_seq, last_seq, enqueued_at, started_at, finished_at, template, pause_no, paused_at,
    waiting_at FROM gone;
INSERT INTO run_events (lane_id, first_seq, n, bytes, stored_on)
SELECT lane_id, first_seq, n, bytes, (stored_at AT TIME ZONE 'UTC')::date FROM run_events_before;
DROP TABLE run_events_before;

ALTER TABLE run ADD CONSTRAINT run_is_open CHECK (status IN ('queued', 'claimed', 'running', 'waiting'));
ALTER TABLE run_any ATTACH PARTITION run FOR VALUES IN (false);

-- Whose a key is in a lane, from the run's enqueuing on until its day is dropped: a key stays taken
-- when its run has ended. Written only for runs that have one.
CREATE TABLE run_key (
    lane_id bigint NOT NULL,
    key     text NOT NULL,
    run_id  bigint NOT NULL,
    PRIMARY KEY (lane_id, key)
);
INSERT INTO run_key (lane_id, key, run_id)
SELECT lane_id, idempotency_key, id FROM run_any WHERE idempotency_key IS NOT NULL;

-- Whether a run ended under this claim as it is said to: a completion that is sent again, after its
-- acknowledgement was lost, asks so. A function, so that nothing of it is opened unless it is asked.
CREATE FUNCTION run_ended(bigint, bigint, text) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT FROM run_done d WHERE d.id = $1 AND d.claim_no = $2 AND d.status = $3);
END $$;

-- Undoes a commit that would write about a run under a claim that is not its claim any more: the events
-- beside it tell of what is not stored. Its message is the run and the claim. A run that ended under
-- this claim was ended by this very write before its acknowledgement was lost, or together with it.
CREATE FUNCTION write_refused(of_run bigint, of_claim bigint, is_end boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_end AND EXISTS (SELECT FROM run_any a WHERE a.id = of_run AND a.claim_no = of_claim) THEN
        RETURN false;
    END IF;
    RAISE EXCEPTION '% %', of_run, of_claim USING ERRCODE = 'OR002';
END $$;

-- The last event that went with its day: a log goes on counting when all of it is dropped.
ALTER TABLE lane ADD COLUMN dropped_through bigint NOT NULL DEFAULT 0;

-- The rows of every run's journal, wherever they lie; for people, who may read it in SQL. Postgres has
-- no text with a NUL in it, which a program may have printed.
CREATE VIEW step_any AS
    SELECT run_id, step, attempt, claim_no, state, record, superseded, begun_at, ended_at
    FROM step_journal
    UNION ALL
    SELECT d.id, s ->> 'step', (s ->> 'attempt')::integer, (s ->> 'claim')::bigint, s ->> 'state',
        (s -> 'record')::text, coalesce((s ->> 'superseded')::boolean, false),
        coalesce(to_timestamp((s ->> 'begun')::numeric / 1000000), d.finished_at),
        CASE WHEN s ->> 'begun' IS NULL THEN d.finished_at
            ELSE to_timestamp((s ->> 'ended')::numeric / 1000000) END
    FROM run_done d, json_array_elements(replace(d.steps, '\u0000', '\ufffd')::json) s;

-- How long what is done is kept, in whole days; NULL keeps it for ever. A month is what most look
-- back; what a day costs and what is dropped next tells `opsroom retention`.
CREATE TABLE retention (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    runs_days   integer DEFAULT 30 CHECK (runs_days BETWEEN 1 AND 36500),
    events_days integer DEFAULT 30 CHECK (events_days BETWEEN 1 AND 36500),
    revision    bigint NOT NULL DEFAULT 1,
    -- When a node looked last for what is to be dropped.
    looked_at   timestamptz NOT NULL DEFAULT to_timestamp(0)
);
INSERT INTO retention DEFAULT VALUES;

-- Every part of what is kept by the day. `run_gone_…` are days that are no longer asked for and whose
-- artifacts are being removed; NULL is what fits no day.
CREATE VIEW history_part AS
    SELECT CASE WHEN c.relname LIKE 'run\_events\_%' THEN 'events' ELSE 'runs' END AS kind,
        c.relname::text AS part, c.oid AS relid, c.relname LIKE 'run\_gone\_%' AS is_gone,
        CASE WHEN c.relname ~ '_\d{8}$' THEN to_date(right(c.relname, 8), 'YYYYMMDD') END AS day
    FROM pg_class c WHERE c.relkind = 'r' AND pg_table_is_visible(c.oid)
    AND c.relname ~ '^(run_done|run_events|run_gone)_(\d{8}|default)$';

-- Days that are wholly older than these settings.
CREATE FUNCTION history_overdue(runs_days integer, events_days integer)
RETURNS TABLE (kind text, part text, is_gone boolean, day date) STABLE LANGUAGE sql AS $$
    SELECT p.kind, p.part, p.is_gone, p.day FROM history_part p
    WHERE p.is_gone OR p.day < ((clock_timestamp() - CASE p.kind WHEN 'runs' THEN $1 ELSE $2 END
        * interval '1 day') AT TIME ZONE 'UTC')::date
    ORDER BY p.day
$$;

-- Drops a day of events; each log goes on counting where it ended.
CREATE FUNCTION history_drop_events(part text) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = on AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7302, 1);
    IF part !~ '^run_events_\d{8}$' OR to_regclass(part) IS NULL THEN RETURN; END IF;
    EXECUTE format('UPDATE lane l SET dropped_through = e.last
        FROM (SELECT lane_id, max(first_seq + n - 1) AS last FROM %I GROUP BY lane_id) e
        WHERE l.id = e.lane_id AND l.dropped_through < e.last', part);
    PERFORM set_config('lock_timeout', '1s', true);
    EXECUTE format('DROP TABLE %I', part);
END $$;

-- Nobody finds the runs of this day any more; what belongs to them is removed after it.
CREATE FUNCTION history_detach_runs(part text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7302, 1);
    IF part !~ '^run_done_\d{8}$' OR to_regclass(part) IS NULL THEN RETURN; END IF;
    PERFORM set_config('lock_timeout', '1s', true);
    EXECUTE format('ALTER TABLE run_done DETACH PARTITION %I', part);
    EXECUTE format('ALTER TABLE %I RENAME TO %I', part, 'run_gone_' || right(part, 8));
    DELETE FROM run_done_plan WHERE day = to_date(right(part, 8), 'YYYYMMDD');
END $$;

-- Removes what belongs to some runs of a part, those after the run `$2`, at most `$3` of them; tells
-- the last of them, or NULL, and then the day itself is gone. A table that belongs to runs is added
-- here.
CREATE FUNCTION history_forget_runs(part text, after bigint, at_most integer) RETURNS bigint
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
    DELETE FROM run_deadline WHERE run_id = ANY (ids);
    RETURN ids[cardinality(ids)];
END $$;

-- The keys of a run that is forgotten, whichever way they came to it.
CREATE INDEX run_key_run ON run_key (run_id);

-- Which plans the runs of a day are of: counted once, when the day is over.
CREATE TABLE run_done_plan (
    day         date NOT NULL,
    plan_digest bytea NOT NULL,
    PRIMARY KEY (day, plan_digest)
);
CREATE FUNCTION history_count_plans() RETURNS void LANGUAGE plpgsql SET enable_seqscan = on AS $$
DECLARE
    p record;
BEGIN
    PERFORM pg_advisory_xact_lock(7302, 1);
    FOR p IN SELECT h.part, h.day FROM history_part h
        WHERE h.kind = 'runs' AND NOT h.is_gone
        AND h.day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1
        AND NOT EXISTS (SELECT FROM run_done_plan c WHERE c.day = h.day)
    LOOP
        EXECUTE format('INSERT INTO run_done_plan
            SELECT DISTINCT $1, plan_digest FROM %I', p.part) USING p.day;
    END LOOP;
END $$;

-- A plan that nothing names is marked, and goes when it is still so an hour later: until then whoever
-- stores it again takes the mark away.
ALTER TABLE plan ADD COLUMN unused_since timestamptz;
CREATE INDEX plan_unused ON plan (unused_since) WHERE unused_since IS NOT NULL;

-- The plan that a run is made of; NULL when there is none. `run` has no foreign key, so whoever makes a
-- run of a marked plan locks the plan until the run is there: the sweep passes over it. Who comes while
-- the sweep has it waits, and then finds no plan or one that stays. A plan that is not marked is not
-- locked, except for who may be reading what was there before the mark.
CREATE FUNCTION plan_held(wanted bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    found  bytea;
    marked timestamptz;
BEGIN
    SELECT p.digest, p.unused_since INTO found, marked FROM plan p WHERE p.digest = wanted;
    IF marked IS NOT NULL OR current_setting('transaction_isolation') <> 'read committed' THEN
        SELECT p.digest INTO found FROM plan p WHERE p.digest = wanted FOR KEY SHARE;
    END IF;
    RETURN found;
END $$;

-- Waits until all have ended that had read plans before this moment, a second at most; tells whether
-- they have. Every reader holds the table's lock to its end, so afterwards the runs of all who read a plan
-- before it was marked can be seen. Nobody waits for who asks.
CREATE FUNCTION plan_readers_ended() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    readers CONSTANT text[] := ARRAY(
        SELECT l.virtualtransaction FROM pg_locks l
        WHERE l.relation = 'plan'::regclass AND l.pid IS DISTINCT FROM pg_backend_pid()
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
BEGIN
    FOR turn IN 1 .. 20 LOOP
        IF NOT EXISTS (SELECT FROM pg_locks l WHERE l.relation = 'plan'::regclass
            AND l.virtualtransaction = ANY (readers)) THEN RETURN true; END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;
    RETURN false;
END $$;

-- What is named by anything; a table that names plans is added here.
CREATE VIEW plan_named AS
    SELECT plan_digest AS digest FROM run
    UNION SELECT plan_digest FROM run_done_plan
    UNION SELECT plan_digest FROM run_done
        WHERE finished_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '2 days'
    UNION SELECT plan_digest FROM run_done_default
    UNION SELECT plan_digest FROM template
    UNION SELECT plan_digest FROM template_version;

-- Removes versions of templates that are older than `$1` days, not the last of their name and of a
-- plan that no kept run has; then plans, at most `$2` of them. Tells how many plans went. A plan that
-- another one names goes after that one. What is named is asked for after the plans that may go are
-- locked: who made a run of one before can be seen then, or has it locked; who comes later waits. SKIP
-- LOCKED: this waits for nobody, so nobody can wait for it in a circle. While somebody holds a transaction
-- open that read plans before, no plan goes.
CREATE FUNCTION history_sweep_plans(days integer, at_most integer) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = on AS $$
DECLARE
    gone bigint;
    old  bytea[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(7302, 1);
    DELETE FROM template_version v WHERE v.stored_at < now() - days * interval '1 day'
    AND EXISTS (SELECT FROM template_version n WHERE n.name = v.name AND n.revision > v.revision)
    AND v.plan_digest NOT IN (
        SELECT plan_digest FROM run
        UNION ALL SELECT plan_digest FROM run_done_plan
        UNION ALL SELECT plan_digest FROM run_done WHERE finished_at >=
            date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '2 days'
        UNION ALL SELECT plan_digest FROM run_done_default);
    IF EXISTS (SELECT FROM plan p WHERE p.unused_since < now() - interval '1 hour')
    AND plan_readers_ended() THEN
        old := ARRAY(SELECT p.digest FROM plan p WHERE p.unused_since < now() - interval '1 hour'
            ORDER BY p.unused_since LIMIT at_most FOR UPDATE SKIP LOCKED);
    END IF;
    -- Plans name the plans of their children.
    CREATE TEMPORARY TABLE named_plan ON COMMIT DROP AS
    SELECT digest FROM plan_named
    UNION
    SELECT decode(m[1], 'hex') FROM plan p
    CROSS JOIN LATERAL regexp_matches(p.body, '[0-9a-f]{64}', 'g') m;
    CREATE INDEX ON named_plan (digest);
    DELETE FROM plan p WHERE p.digest = ANY (old)
    AND NOT EXISTS (SELECT FROM named_plan n WHERE n.digest = p.digest);
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE plan SET unused_since = NULL WHERE digest = ANY (ARRAY(
        SELECT p.digest FROM plan p WHERE p.unused_since IS NOT NULL
        AND EXISTS (SELECT FROM named_plan n WHERE n.digest = p.digest)
        FOR NO KEY UPDATE SKIP LOCKED));
    UPDATE plan SET unused_since = now() WHERE digest = ANY (ARRAY(
        SELECT p.digest FROM plan p WHERE p.unused_since IS NULL
        AND p.created_at < now() - days * interval '1 day'
        AND NOT EXISTS (SELECT FROM named_plan n WHERE n.digest = p.digest)
        FOR NO KEY UPDATE SKIP LOCKED));
    RETURN gone;
END $$;

-- Files in nodes' folders that an artifact named that is gone: the node looks whether anything else
-- names them.
CREATE TABLE file_gone (
    node   text NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (node, digest)
);
CREATE INDEX artifact_file ON artifact (digest) WHERE content IS NULL;
