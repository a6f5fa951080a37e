-- What people do by hand: a queued run goes to another lane or another place of its lane's queue; one
-- that waited is queued again and keeps its turn.

-- When a person had a waiting run queued again. It has the turn that it had, by when it was due; how
-- long it waited for its beginning counts from here.
ALTER TABLE run_any ADD COLUMN again_at timestamptz;

-- The runs of a lane that can be claimed and have a key ('' for none), beside a place in their queue:
-- behind it, or before it and then the nearest first.
CREATE FUNCTION run_beside(
    of_lane bigint, of_key text, of_rank bigint, of_id bigint, is_behind boolean, most integer)
RETURNS TABLE (id bigint, rank bigint) STABLE LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    IF of_key = '' AND is_behind THEN
        RETURN QUERY SELECT r.id, r.rank FROM run r
            WHERE r.lane_id = of_lane AND r.status = 'queued' AND r.paused_by IS NULL
            AND NOT r.is_delayed AND r.key = '' AND (r.rank, r.id) > (of_rank, of_id)
            ORDER BY r.rank, r.id LIMIT most;
    ELSIF of_key = '' THEN
        RETURN QUERY SELECT r.id, r.rank FROM run r
            WHERE r.lane_id = of_lane AND r.status = 'queued' AND r.paused_by IS NULL
            AND NOT r.is_delayed AND r.key = '' AND (r.rank, r.id) < (of_rank, of_id)
            ORDER BY r.rank DESC, r.id DESC LIMIT most;
    ELSIF is_behind THEN
        RETURN QUERY SELECT r.id, r.rank FROM run r
            WHERE r.lane_id = of_lane AND r.status = 'queued' AND r.paused_by IS NULL
            AND NOT r.is_delayed AND r.key <> '' AND r.key = of_key COLLATE "C"
            AND (r.rank, r.id) > (of_rank, of_id) ORDER BY r.rank, r.id LIMIT most;
    ELSE
        RETURN QUERY SELECT r.id, r.rank FROM run r
            WHERE r.lane_id = of_lane AND r.status = 'queued' AND r.paused_by IS NULL
            AND NOT r.is_delayed AND r.key <> '' AND r.key = of_key COLLATE "C"
            AND (r.rank, r.id) < (of_rank, of_id) ORDER BY r.rank DESC, r.id DESC LIMIT most;
    END IF;
END $$;

-- Makes room beside a run for one more: those that stand too close are moved, by so many, down or up, as
-- few as there are; false when there are more than `most`. Who is locked is claimed or ended at this
-- moment, and left where it is.
CREATE FUNCTION run_make_room(
    of_lane bigint, of_key text, of_rank bigint, of_id bigint, but bigint, step bigint,
    is_behind boolean, most integer)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    other  record;
    reach  bigint := CASE WHEN is_behind THEN of_rank + step ELSE of_rank - 1 END;
    chosen bigint[] := CASE WHEN is_behind THEN ARRAY[of_id] ELSE ARRAY[]::bigint[] END;
BEGIN
    FOR other IN SELECT * FROM run_beside(of_lane, of_key, of_rank, of_id, is_behind, most + 1) LOOP
        CONTINUE WHEN other.id = but;
        IF is_behind THEN
            EXIT WHEN other.rank > reach;
            reach := other.rank + step;
        ELSE
            EXIT WHEN other.rank < reach;
            reach := other.rank - step;
        END IF;
        chosen := chosen || other.id;
        IF cardinality(chosen) > most THEN RETURN false; END IF;
    END LOOP;
    UPDATE run r SET rank = r.rank + CASE WHEN is_behind THEN step ELSE -step END
    WHERE r.id = ANY (ARRAY(
        SELECT q.id FROM run q WHERE q.id = ANY (chosen) AND q.status = 'queued'
        ORDER BY q.id FOR UPDATE SKIP LOCKED));
    RETURN true;
END $$;

-- The rank with which a run comes before another one of a lane; NULL when too many stand too close.
CREATE FUNCTION run_rank_before(
    of_lane bigint, mine bigint, other bigint, other_rank bigint, other_key text, most integer)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    prior record;
    gap   bigint;
BEGIN
    SELECT b.id, b.rank INTO prior FROM run_beside(of_lane, other_key, other_rank, other, false, 2) b
    WHERE b.id <> mine ORDER BY b.rank DESC, b.id DESC LIMIT 1;
    IF NOT FOUND THEN RETURN other_rank - 1; END IF;
    gap := other_rank - prior.rank;
    IF gap > 1 THEN RETURN prior.rank + gap / 2; END IF;
    IF mine > prior.id AND (gap = 1 OR mine < other) THEN RETURN prior.rank; END IF;
    IF gap = 1 AND mine < other THEN RETURN other_rank; END IF;
    IF run_make_room(of_lane, other_key, other_rank, other, mine, 2 - gap, false, most) THEN
        RETURN other_rank - 1;
    END IF;
    IF run_make_room(of_lane, other_key, other_rank, other, mine, 2 - gap, true, most) THEN
        RETURN prior.rank + 1;
    END IF;
    RETURN NULL;
END $$;

-- Puts a queued run that nobody has claimed yet, if it is still the version that was read, into a lane
-- and to a place of its queue: `first`, `last`, `before` another run, or NULL for that of its priority.
-- One that is for later has no place yet: before it is behind all that can be claimed.
-- Tells `moved`, `changed` when the run or somebody's lock on it was faster, `ended` for a session
-- that takes no runs, `other` when the other run is not queued there, `key` when it is of another key,
-- with which this one takes turns, `deep` when too many stand in the way. Moves of a lane wait for each other on the lane's row and hold nothing else before it; of
-- runs they lock only what nobody has locked.
CREATE FUNCTION run_move(
    mine bigint, version text, new_lane bigint, new_inputs text, new_priority integer, place text,
    other bigint, most integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    lane_now record;
    own      record;
    beside   record;
    new_rank bigint;
    goal     text := place;
BEGIN
    SELECT l.id, l.shard_id, l.ageing_ms INTO lane_now FROM lane l
    JOIN session s ON s.id = l.session_id AND s.status = 'active'
    WHERE l.id = new_lane FOR NO KEY UPDATE OF l;
    IF NOT FOUND THEN RETURN 'ended'; END IF;
    SELECT r.key, r.due_at, r.lane_id INTO own FROM run r
    WHERE r.id = mine AND r.xmin::text = version AND r.status = 'queued' AND r.request IS NULL
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN RETURN 'changed'; END IF;
    new_rank := run_rank(own.due_at, new_priority, lane_now.ageing_ms);
    IF goal = 'before' THEN
        SELECT r.id, r.rank, r.key, r.is_delayed INTO beside FROM run r
        WHERE r.id = other AND r.lane_id = new_lane AND r.status = 'queued' AND r.request IS NULL;
        IF NOT FOUND THEN RETURN 'other'; END IF;
        IF beside.key <> own.key THEN RETURN 'key'; END IF;
        IF beside.is_delayed THEN goal := 'last'; END IF;
    END IF;
    IF goal = 'before' THEN
        new_rank := run_rank_before(new_lane, mine, other, beside.rank, beside.key, most);
        IF new_rank IS NULL THEN RETURN 'deep'; END IF;
    ELSIF goal IS NOT NULL THEN
        SELECT b.id, b.rank INTO beside FROM run_beside(new_lane, own.key,
            CASE goal WHEN 'first' THEN -9223372036854775808 ELSE 9223372036854775807 END,
            CASE goal WHEN 'first' THEN 0 ELSE 9223372036854775807 END, goal = 'first', 2) b
        WHERE b.id <> mine
        ORDER BY CASE goal WHEN 'first' THEN b.rank ELSE -b.rank END LIMIT 1;
        IF FOUND THEN
            new_rank := beside.rank + CASE goal WHEN 'first' THEN -1 ELSE 1 END;
        END IF;
    END IF;
    UPDATE run r SET lane_id = lane_now.id, shard_id = lane_now.shard_id, inputs = new_inputs,
        priority = new_priority, rank = new_rank
    WHERE r.id = mine;
    RETURN 'moved';
END $$;
