-- Lists by what the queue keeps anyway: every entry that an index has for a run is paid for when it is
-- enqueued, claimed and ended.

-- What is open is found by run_ready, run_live, and this one for what waits paused.
DROP INDEX run_open;
CREATE INDEX run_paused ON run (id) WHERE paused_by IS NOT NULL;
-- A lane's list, newest first; a run comes in when it ends.
DROP INDEX run_lane;
CREATE INDEX run_lane ON run (lane_id, id) WHERE finished_at IS NOT NULL;
