-- Keys of a lane with limits take turns exactly as those of a lane without. Before, a key could get two
-- runs of a claim that had room for one and a half of each, and the last key none.

-- Claims runs of a lane with limits. Whoever calls it has locked the lane's row and those of its
-- limits. Keys take turns, those after `after_key` first; a key that is paused, that has as many of
-- `busy` under way as it may, or that has used up its rate, is passed over. A run without a key
-- is held up by the lane's limits alone.
CREATE OR REPLACE FUNCTION lane_claim(
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
