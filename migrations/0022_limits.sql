-- Limits of lanes: how many runs of a key go at once, and how many runs begin in a time, of a lane, of a
-- key, or of all lanes that name a limit.

-- A rate lets `count` runs begin in `ms` milliseconds, one after the other at an equal distance; after
-- a time of rest up to `burst` at once. So in any `ms` at most count + burst - 1 begin.
ALTER TABLE lane
    -- Runs of one key at once; NULL: as many as the lane is wide.
    ADD COLUMN key_width      integer CHECK (key_width BETWEEN 1 AND 1000),
    ADD COLUMN rate_count     bigint CHECK (rate_count BETWEEN 1 AND 1000000),
    ADD COLUMN rate_ms        bigint CHECK (rate_ms BETWEEN 1 AND 31622400000),
    ADD COLUMN rate_burst     bigint CHECK (rate_burst BETWEEN 1 AND 100000),
    ADD COLUMN key_rate_count bigint CHECK (key_rate_count BETWEEN 1 AND 1000000),
    ADD COLUMN key_rate_ms    bigint CHECK (key_rate_ms BETWEEN 1 AND 31622400000),
    ADD COLUMN key_rate_burst bigint CHECK (key_rate_burst BETWEEN 1 AND 100000),
    -- Names of limits that it shares with other lanes.
    ADD COLUMN limits         text[] NOT NULL DEFAULT '{}' CHECK (cardinality(limits) <= 16),
    ADD COLUMN is_limited     boolean NOT NULL GENERATED ALWAYS AS (
        key_width IS NOT NULL OR rate_count IS NOT NULL OR key_rate_count IS NOT NULL
        OR cardinality(limits) > 0) STORED,
    ADD CONSTRAINT lane_rate_whole CHECK (num_nulls(rate_count, rate_ms, rate_burst) IN (0, 3)),
    ADD CONSTRAINT lane_key_rate_whole
        CHECK (num_nulls(key_rate_count, key_rate_ms, key_rate_burst) IN (0, 3));

-- `taken_until`, in microseconds since 1970: the moment up to which what has begun takes up the rate
-- (the generic cell rate algorithm's theoretical arrival time). It is raised by the very transaction
-- that claims, so no kill can lose a turn or give one twice.
CREATE TABLE rate_limit (
    name        text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$'),
    count       bigint NOT NULL CHECK (count BETWEEN 1 AND 1000000),
    ms          bigint NOT NULL CHECK (ms BETWEEN 1 AND 31622400000),
    burst       bigint NOT NULL CHECK (burst BETWEEN 1 AND 100000),
    taken_until bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- The same of a lane's own rate (key is empty) and of those of its keys; a row of the past is none.
CREATE TABLE lane_rate (
    lane_id     bigint NOT NULL,
    key         text COLLATE "C" NOT NULL,
    taken_until bigint NOT NULL,
    PRIMARY KEY (lane_id, key)
) WITH (fillfactor = 50);

CREATE FUNCTION rate_now() RETURNS bigint VOLATILE LANGUAGE sql AS
    'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint';
-- Microseconds from one run to the next; rounded up, so that never too many begin.
CREATE FUNCTION rate_step(count bigint, ms bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS
    'SELECT (ms * 1000 + count - 1) / count';
-- No mark lies further ahead than a whole burst: after a clock was set back nobody waits longer.
CREATE FUNCTION rate_mark(taken_until bigint, at_us bigint, step bigint, burst bigint) RETURNS bigint
    IMMUTABLE LANGUAGE sql AS
    'SELECT greatest(least(coalesce(taken_until, 0), at_us + burst * step), at_us)';
-- Runs that may begin at once.
CREATE FUNCTION rate_room(taken_until bigint, at_us bigint, step bigint, burst bigint) RETURNS bigint
    IMMUTABLE LANGUAGE sql AS
    'SELECT (at_us + burst * step - rate_mark(taken_until, at_us, step, burst)) / step';
-- Microseconds until one may.
CREATE FUNCTION rate_wait(taken_until bigint, at_us bigint, step bigint, burst bigint) RETURNS bigint
    IMMUTABLE LANGUAGE sql AS
    'SELECT greatest(0, rate_mark(taken_until, at_us, step, burst) - (burst - 1) * step - at_us)';

-- What of a lane's own rate and of the limits it names is shut longest: `scope` lane or limit, and
-- microseconds until a run may begin. No row when all are open.
CREATE FUNCTION lane_shut(l lane, at_us bigint) RETURNS TABLE (scope text, name text, wait_us bigint)
STABLE LANGUAGE sql AS $$
    SELECT * FROM (
        SELECT 'lane', ''::text, rate_wait(
            (SELECT t.taken_until FROM lane_rate t WHERE t.lane_id = l.id AND t.key = ''), at_us,
            rate_step(l.rate_count, l.rate_ms), l.rate_burst) AS wait_us
        WHERE l.rate_count IS NOT NULL
        UNION ALL
        SELECT 'limit', g.name, rate_wait(g.taken_until, at_us, rate_step(g.count, g.ms), g.burst)
        FROM rate_limit g WHERE g.name = ANY (l.limits)) w
    WHERE w.wait_us > 0 ORDER BY w.wait_us DESC LIMIT 1
$$;

-- Microseconds until a run of a key may begin by its key's rate.
CREATE FUNCTION lane_key_wait(l lane, of_key text, at_us bigint) RETURNS bigint
STABLE LANGUAGE sql AS $$
    SELECT CASE WHEN l.key_rate_count IS NULL OR of_key = '' THEN 0 ELSE rate_wait(
        (SELECT t.taken_until FROM lane_rate t WHERE t.lane_id = l.id AND t.key = of_key), at_us,
        rate_step(l.key_rate_count, l.key_rate_ms), l.key_rate_burst) END
$$;

-- The next key of a lane with something ready, after one and not after `last` (NULL: up to the end).
CREATE FUNCTION lane_next_key(of_lane bigint, after_key text, last text) RETURNS text
STABLE LANGUAGE sql AS $$
    SELECT r.key FROM run r WHERE r.lane_id = of_lane AND r.key > after_key COLLATE "C"
    AND (last IS NULL OR r.key <= last COLLATE "C")
    AND r.status = 'queued' AND r.paused_by IS NULL AND NOT r.is_delayed AND r.key <> ''
    ORDER BY r.key LIMIT 1
$$;

CREATE FUNCTION lane_has_unkeyed(of_lane bigint) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT coalesce((SELECT true FROM run r WHERE r.lane_id = of_lane
        AND r.status = 'queued' AND r.paused_by IS NULL AND NOT r.is_delayed AND r.key = ''
        LIMIT 1), false)
$$;

-- Claims runs of a lane with limits. Whoever calls it has locked the lane's row and those of its
-- limits. Keys take turns, those after `after_key` first; a key that is paused, that has as many of
-- `busy` under way as it may, or that has used up its rate, is passed over. A run without a key
-- is held up by the lane's limits alone.
CREATE FUNCTION lane_claim(
    of_node bigint, of_lane bigint, room bigint, after_key text, busy text[], busy_runs bigint[]
) RETURNS SETOF run LANGUAGE plpgsql AS $$
DECLARE
    l lane;
    at_us bigint := rate_now();
    free bigint := room;
    begun bigint;
    paused text[];
    key_now text := after_key;
    next_key text;
    is_around boolean := false;
    allowed bigint;
    keys text[] := '{}';
    rooms bigint[] := '{}';
    taken bigint[];
    active bigint;
    share bigint;
    wanted bigint;
    got bigint;
BEGIN
    SELECT * INTO l FROM lane WHERE id = of_lane;
    IF l.rate_count IS NOT NULL THEN
        free := least(free, rate_room(
            (SELECT t.taken_until FROM lane_rate t WHERE t.lane_id = of_lane AND t.key = ''), at_us,
            rate_step(l.rate_count, l.rate_ms), l.rate_burst));
    END IF;
    IF cardinality(l.limits) > 0 THEN
        free := least(free, (SELECT min(rate_room(g.taken_until, at_us, rate_step(g.count, g.ms), g.burst))
            FROM rate_limit g WHERE g.name = ANY (l.limits)));
    END IF;
    IF free <= 0 THEN RETURN; END IF;
    paused := ARRAY(SELECT p.key FROM lane_pause p WHERE p.lane_id = of_lane AND p.key <> '');

    WHILE cardinality(keys) < free LOOP
        next_key := lane_next_key(of_lane, key_now, CASE WHEN is_around THEN after_key END);
        IF next_key IS NULL THEN
            EXIT WHEN is_around;
            is_around := true;
            key_now := '';
            IF lane_has_unkeyed(of_lane) THEN
                keys := keys || ''::text;
                rooms := rooms || free;
            END IF;
            CONTINUE;
        END IF;
        key_now := next_key;
        CONTINUE WHEN key_now = ANY (paused);
        allowed := free;
        IF l.key_width IS NOT NULL THEN
            allowed := least(allowed,
                l.key_width - coalesce(busy_runs[array_position(busy, key_now)], 0));
        END IF;
        IF allowed > 0 AND l.key_rate_count IS NOT NULL THEN
            allowed := least(allowed, rate_room(
                (SELECT t.taken_until FROM lane_rate t WHERE t.lane_id = of_lane AND t.key = key_now),
                at_us, rate_step(l.key_rate_count, l.key_rate_ms), l.key_rate_burst));
        END IF;
        IF allowed > 0 THEN
            keys := keys || key_now;
            rooms := rooms || allowed;
        END IF;
    END LOOP;

    -- One run to each key in turn until the room is used up: as many rounds at once as there is room
    -- for, and what some have no use for is dealt again.
    begun := free;
    active := cardinality(keys);
    taken := array_fill(0::bigint, ARRAY[active::integer]);
    WHILE free > 0 AND active > 0 LOOP
        share := greatest(1, free / active);
        active := 0;
        FOR i IN 1 .. cardinality(keys) LOOP
            wanted := least(share, rooms[i], free);
            CONTINUE WHEN wanted <= 0;
            IF keys[i] = '' THEN
                RETURN QUERY UPDATE run r SET status = 'claimed', claim_no = r.claim_no + 1,
                    owner = of_node, started_at = coalesce(r.started_at, to_timestamp(at_us / 1000000.0))
                WHERE r.id = ANY (ARRAY(
                    SELECT q.id FROM run q WHERE q.lane_id = of_lane AND q.status = 'queued'
                    AND q.paused_by IS NULL AND NOT q.is_delayed AND q.key = ''
                    ORDER BY q.rank, q.id LIMIT wanted FOR UPDATE SKIP LOCKED))
                RETURNING r.*;
            ELSE
                RETURN QUERY UPDATE run r SET status = 'claimed', claim_no = r.claim_no + 1,
                    owner = of_node, started_at = coalesce(r.started_at, to_timestamp(at_us / 1000000.0))
                WHERE r.id = ANY (ARRAY(
                    SELECT q.id FROM run q WHERE q.lane_id = of_lane AND q.status = 'queued'
                    AND q.paused_by IS NULL AND NOT q.is_delayed AND q.key <> ''
                    AND q.key = keys[i]
                    ORDER BY q.rank, q.id LIMIT wanted FOR UPDATE SKIP LOCKED))
                RETURNING r.*;
            END IF;
            GET DIAGNOSTICS got = ROW_COUNT;
            free := free - got;
            taken[i] := taken[i] + got;
            rooms[i] := CASE WHEN got < wanted THEN 0 ELSE rooms[i] - got END;
            IF rooms[i] > 0 THEN active := active + 1; END IF;
        END LOOP;
    END LOOP;
    begun := begun - free;
    IF begun = 0 THEN RETURN; END IF;

    IF l.rate_count IS NOT NULL THEN
        PERFORM lane_rate_raise(of_lane, '', at_us, rate_step(l.rate_count, l.rate_ms), l.rate_burst,
            begun);
    END IF;
    UPDATE rate_limit g SET taken_until =
        rate_mark(g.taken_until, at_us, rate_step(g.count, g.ms), g.burst)
            + begun * rate_step(g.count, g.ms)
    WHERE g.name = ANY (l.limits);
    IF l.key_rate_count IS NOT NULL THEN
        FOR i IN 1 .. cardinality(keys) LOOP
            CONTINUE WHEN taken[i] = 0 OR keys[i] = '';
            PERFORM lane_rate_raise(of_lane, keys[i], at_us,
                rate_step(l.key_rate_count, l.key_rate_ms), l.key_rate_burst, taken[i]);
        END LOOP;
        -- Now and then, what lies in the past.
        IF at_us % 512 = 0 THEN
            DELETE FROM lane_rate t WHERE t.lane_id = of_lane AND t.taken_until < at_us;
        END IF;
    END IF;
END $$;

CREATE FUNCTION lane_rate_raise(
    of_lane bigint, of_key text, at_us bigint, step bigint, burst bigint, runs bigint
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO lane_rate AS t (lane_id, key, taken_until) VALUES (of_lane, of_key, at_us + runs * step)
    ON CONFLICT (lane_id, key) DO UPDATE SET
        taken_until = rate_mark(t.taken_until, at_us, step, burst) + runs * step
$$;

-- How long a lane that got fewer runs than it has room for waits for a rate: what shuts it, or the key
-- that is open next (`scope` key), and microseconds; 0: something can be taken. No row when it
-- waits for no time at all: it has nothing ready, or keys that are full or paused.
CREATE FUNCTION lane_wait(of_lane bigint, busy text[], busy_runs bigint[])
RETURNS TABLE (scope text, name text, wait_us bigint) LANGUAGE plpgsql AS $$
DECLARE
    l lane;
    at_us bigint := rate_now();
    paused text[];
    key_now text := '';
    has_unkeyed boolean := lane_has_unkeyed(of_lane);
    rest bigint;
BEGIN
    SELECT * INTO l FROM lane WHERE id = of_lane;
    key_now := lane_next_key(of_lane, '', NULL);
    IF key_now IS NULL AND NOT has_unkeyed THEN RETURN; END IF;
    RETURN QUERY SELECT * FROM lane_shut(l, at_us);
    IF FOUND THEN RETURN; END IF;
    scope := 'key';
    IF has_unkeyed THEN
        name := '';
        wait_us := 0;
        RETURN NEXT;
        RETURN;
    END IF;
    paused := ARRAY(SELECT p.key FROM lane_pause p WHERE p.lane_id = of_lane AND p.key <> '');
    WHILE key_now IS NOT NULL LOOP
        IF NOT key_now = ANY (paused) AND (l.key_width IS NULL
            OR l.key_width > coalesce(busy_runs[array_position(busy, key_now)], 0)) THEN
            rest := lane_key_wait(l, key_now, at_us);
            IF wait_us IS NULL OR rest < wait_us THEN
                name := key_now;
                wait_us := rest;
            END IF;
            EXIT WHEN wait_us = 0;
        END IF;
        key_now := lane_next_key(of_lane, key_now, NULL);
    END LOOP;
    IF wait_us IS NOT NULL THEN RETURN NEXT; END IF;
END $$;
