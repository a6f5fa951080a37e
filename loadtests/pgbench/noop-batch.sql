-- A hundred no-op runs at once, set-based: the floor of any queue on these tables. The runs of one
-- client are its own lane's.
\set lane :client_id + 1
INSERT INTO run (lane_id, shard_id, plan_digest, inputs, due_at)
SELECT l.id, l.shard_id, sha256('floor'), '{}', now() + interval '1 day'
FROM lane l, generate_series(1, 100) WHERE l.name = 'F' || :lane;
WITH next AS (
    SELECT id FROM run WHERE lane_id = (SELECT id FROM lane WHERE name = 'F' || :lane)
    AND status = 'queued' ORDER BY priority DESC, id LIMIT 100 FOR UPDATE SKIP LOCKED),
claimed AS (
    UPDATE run SET status = 'claimed', claim_no = claim_no + 1, owner = 1, started_at = now()
    FROM next WHERE run.id = next.id RETURNING run.id)
SELECT min(id) AS first, max(id) AS last FROM claimed \gset
BEGIN;
SELECT 1 FROM shard WHERE shard_id = (SELECT shard_id FROM lane WHERE name = 'F' || :lane) FOR SHARE;
INSERT INTO run_events (lane_id, first_seq, n, bytes)
VALUES (-(:client_id::bigint) - 1, :first, 400, decode(repeat('00', 60000), 'hex'));
WITH gone AS (
    DELETE FROM run WHERE lane_id = (SELECT id FROM lane WHERE name = 'F' || :lane)
    AND id BETWEEN :first AND :last RETURNING *)
INSERT INTO run_done (
    id, lane_id, shard_id, plan_digest, inputs, claim_no, owner, due_at, enqueued_at, started_at,
    status, finished_at, first_seq, last_seq, steps)
SELECT id, lane_id, shard_id, plan_digest, inputs, claim_no, owner, due_at, enqueued_at, started_at,
    'succeeded', now(), 1, 4,
    '[{"step":"nothing","attempt":1,"claim":1,"state":"succeeded","record":{}}]' FROM gone;
COMMIT;
