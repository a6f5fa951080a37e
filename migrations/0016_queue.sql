-- The order of a lane's queue. A run's rank is its turn, the smallest first: when it is due, less what
-- its priority is worth. So a run of low priority comes to its turn by waiting, and nobody has to
-- change anything for that. Runs that are for later are no part of the queue until they are due.

-- What a level of priority is worth, in milliseconds of waiting; NULL: no waiting outweighs a level.
-- It counts for runs that are queued from now on.
ALTER TABLE lane ADD COLUMN ageing_ms bigint DEFAULT 60000 CHECK (ageing_ms BETWEEN 1 AND 31536000000);

ALTER TABLE run_any
    -- Whom or what the run is for, as its enqueuer says: keys of a lane take turns. '' is one, too.
    ADD COLUMN key        text COLLATE "C" NOT NULL DEFAULT ''
                          CONSTRAINT run_key_fits CHECK (octet_length(key) <= 200),
    ADD COLUMN rank       bigint NOT NULL DEFAULT 0,
    -- Queued for later; a node clears it when the run is due.
    ADD COLUMN is_delayed boolean NOT NULL DEFAULT false;

-- A run's turn in its lane. Without ageing a level outweighs 139 years.
CREATE FUNCTION run_rank(due timestamptz, priority integer, ageing_ms bigint) RETURNS bigint
STABLE LANGUAGE sql RETURN
    (date_part('epoch', due) * 1000)::bigint
        - greatest(-1000000, least(1000000, priority)) * coalesce(ageing_ms, 4398046511104);

UPDATE run r SET rank = run_rank(r.due_at, r.priority, l.ageing_ms),
    is_delayed = r.status = 'queued' AND r.due_at > now()
FROM lane l WHERE l.id = r.lane_id;

-- A queued run has an entry in one of these: what it is for decides in which.
DROP INDEX run_ready;
CREATE INDEX run_ready ON run (lane_id, rank, id)
    WHERE status = 'queued' AND paused_by IS NULL AND NOT is_delayed AND key = '';
CREATE INDEX run_keyed ON run (lane_id, key, rank, id)
    WHERE status = 'queued' AND paused_by IS NULL AND NOT is_delayed AND key <> '';
CREATE INDEX run_due ON run (due_at)
    WHERE status = 'queued' AND paused_by IS NULL AND is_delayed;
