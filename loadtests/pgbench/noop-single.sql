-- One no-op run, statement by statement: enqueue, claim, then events and completion, with its
-- journal, in a fenced transaction. Three commits a run, as a queue without batching has. A client
-- has a lane of its own, so that it always finds the run it made.
\set lane :client_id + 1
WITH l AS (SELECT id, shard_id FROM lane WHERE name = 'F' || :lane)
INSERT INTO run (lane_id, shard_id, plan_digest, inputs, due_at)
SELECT id, shard_id, sha256('floor'), '{}', now() + interval '1 day' FROM l;
WITH next AS (
    SELECT id FROM run WHERE lane_id = (SELECT id FROM lane WHERE name = 'F' || :lane)
    AND status = 'queued' ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE run SET status = 'claimed', claim_no = claim_no + 1, owner = 1, started_at = now()
FROM next WHERE run.id = next.id RETURNING run.id AS run, run.shard_id AS shard \gset
BEGIN;
SELECT 1 FROM shard WHERE shard_id = :shard FOR SHARE;
INSERT INTO run_events (lane_id, first_seq, n, bytes)
VALUES (-(:client_id::bigint) - 1, :run, 4, decode(repeat('00', 600), 'hex'));
WITH gone AS (DELETE FROM run WHERE id = :run RETURNING *)
INSERT INTO run_done (
    id, lane_id, shard_id, plan_digest, inputs, claim_no, owner, due_at, enqueued_at, started_at,
    status, finished_at, first_seq, last_seq, steps)
SELECT id, lane_id, shard_id, plan_digest, inputs, claim_no, owner, due_at, enqueued_at, started_at,
    'succeeded', now(), 1, 4,
    '[{"step":"nothing","attempt":1,"claim":1,"state":"succeeded","record":{}}]' FROM gone;
COMMIT;
