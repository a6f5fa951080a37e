-- One job claimed in one commit, ended in the next: a queue without batches.
\set lane :client_id + 1
WITH next AS (
    SELECT id FROM floor.job WHERE lane = :lane AND state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE floor.job SET state = 1, claim_no = claim_no + 1, begun_at = now()
FROM next WHERE job.id = next.id RETURNING job.id AS job \gset
UPDATE floor.job SET state = 2, ended_at = now() WHERE id = :job;
