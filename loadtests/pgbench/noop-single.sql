-- One no-op run, statement by statement: enqueue, claim, then journal, events and completion in a
-- fenced transaction. Three commits a run, as a queue without batching has. A client has a lane of its
-- own, so that it always finds the run it made.
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
INSERT INTO step_journal (run_id, step, attempt, claim_no, state, record, ended_at)
VALUES (:run, 'nothing', 1, 1, 'succeeded', '{}', now());
INSERT INTO run_events (lane_id, first_seq, n, bytes)
VALUES (-(:client_id::bigint) - 1, :run, 4, decode(repeat('00', 600), 'hex'));
UPDATE run SET status = 'succeeded', finished_at = now(), first_seq = 1, last_seq = 4 WHERE id = :run;
COMMIT;
