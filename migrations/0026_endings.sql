-- Ends that many runs are asked for, in steps: no statement is about more than some of them, however many
-- a session has.

-- Read in pages, shard by shard.
DROP INDEX run_request;
CREATE INDEX run_request ON run (shard_id, id) WHERE request IS NOT NULL;

-- Of a session that was cancelled: up to which run its runs are asked to end, NULL when all of them are,
-- and what they say then.
ALTER TABLE session ADD COLUMN asked_to bigint, ADD COLUMN end_reason text;
CREATE INDEX session_asking ON session (id) WHERE asked_to IS NOT NULL;
