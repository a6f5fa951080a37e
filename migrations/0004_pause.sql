-- Pausing runs: what somebody wants of a run, kept with it, so that it survives every node.

-- Who paused the run; NULL when it is not paused.
ALTER TABLE run ADD COLUMN paused_by text;
-- Rises with every pause and every resume: an owner that hears of two goes by the later one.
ALTER TABLE run ADD COLUMN pause_no bigint NOT NULL DEFAULT 0;

-- A paused run is not ready: the lane goes on with the next one.
DROP INDEX run_ready;
CREATE INDEX run_ready ON run (lane_id, priority DESC, id)
    WHERE status = 'queued' AND paused_by IS NULL;
-- What owners compare with what they know.
CREATE INDEX run_pause ON run (shard_id)
    WHERE pause_no > 0 AND status IN ('claimed', 'running', 'waiting');
