-- What the web page asks for: a lane's runs that are for later or paused, in their order, and templates as
-- they were written.

-- A lane's runs for later, the earliest first; an entry for those alone.
CREATE INDEX run_lane_due ON run (lane_id, due_at)
    WHERE status = 'queued' AND paused_by IS NULL AND is_delayed;
-- A lane's paused runs; an entry for those alone.
CREATE INDEX run_lane_paused ON run (lane_id, id) WHERE paused_by IS NOT NULL;

-- The files a version was made of, {"main": path, "files": {path: text}}; NULL where it was made of a plan
-- that was stored already. Text, as all JSON here.
ALTER TABLE template_version ADD COLUMN source text;
