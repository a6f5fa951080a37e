-- Five hundred jobs claimed in one commit, ended in the next. Each client has a lane of its own.
\set lane :client_id + 1
WITH next AS (
    SELECT id FROM floor.job WHERE lane = :lane AND state = 0 ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED),
claimed AS (
    UPDATE floor.job SET state = 1, claim_no = claim_no + 1, begun_at = now()
    FROM next WHERE job.id = next.id RETURNING job.id)
SELECT array_agg(id)::text AS ids FROM claimed \gset
UPDATE floor.job SET state = 2, ended_at = now() WHERE id = ANY (:ids::bigint[]);
