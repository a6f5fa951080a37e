-- Lists that stay fast, and that do not slow the queue.

-- What has not ended, told by its time and not by its status: an index on the statuses was as good
-- for claiming as the queue's own in the planner's eyes whenever nothing was queued at the time of
-- ANALYZE, and then every claim read all that was queued.
DROP INDEX run_open;
CREATE INDEX run_open ON run (id) WHERE finished_at IS NULL;

-- What came of an action's runs, counted once when it ended; until then they are counted anew.
ALTER TABLE bulk ADD COLUMN ok bigint, ADD COLUMN skipped bigint, ADD COLUMN failed bigint;
