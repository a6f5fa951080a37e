-- Workers outside: programs that take a lane's runs over the API instead of the room's own nodes.

ALTER TABLE lane ADD COLUMN worker text NOT NULL DEFAULT 'room' CHECK (worker IN ('room', 'external'));

-- Who has a run, and until when. `claim_no` is the number that the worker names: the run's own when it
-- was handed over. The run's may be higher since, when another node took the lane over. One row for
-- a run, kept until the run's day is dropped: it tells whose result was accepted. `is_over` ends a
-- hand-over without a result; a run that a person has run again has a higher attempt.
CREATE TABLE external_claim (
    run_id      bigint PRIMARY KEY,
    claim_no    bigint NOT NULL,
    attempt     integer NOT NULL,
    worker      text NOT NULL,
    lease_until timestamptz NOT NULL,
    -- Workers of this attempt that were not heard of any more.
    losses      integer NOT NULL DEFAULT 0,
    is_over     boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

ALTER TABLE api_token DROP CONSTRAINT api_token_scope_check;
ALTER TABLE api_token ADD CONSTRAINT api_token_scope_check
    CHECK (scope IN ('read', 'work', 'run', 'admin'));

-- As in 0012, and what workers had.
CREATE OR REPLACE FUNCTION history_forget_runs(part text, after bigint, at_most integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(7302, 1);
    IF part !~ '^run_gone_\d{8}$' OR to_regclass(part) IS NULL THEN RETURN NULL; END IF;
    EXECUTE format('SELECT array_agg(id) FROM (
        SELECT id FROM %I WHERE id > $1 ORDER BY id LIMIT $2) o', part)
        INTO ids USING after, at_most;
    IF ids IS NULL THEN
        EXECUTE format('DROP TABLE %I', part);
        RETURN NULL;
    END IF;
    EXECUTE format('DELETE FROM run_key k USING %I r WHERE r.id = ANY ($1)
        AND r.idempotency_key IS NOT NULL AND k.lane_id = r.lane_id
        AND k.key = r.idempotency_key AND k.run_id = r.id', part) USING ids;
    -- A run that was queued again since lies elsewhere and keeps what it has.
    WITH gone AS (
        DELETE FROM artifact WHERE run_id = ANY (ids) RETURNING digest, node, content)
    INSERT INTO file_gone (node, digest)
    SELECT DISTINCT node, digest FROM gone WHERE content IS NULL AND node IS NOT NULL
    ON CONFLICT DO NOTHING;
    DELETE FROM step_journal WHERE run_id = ANY (ids);
    DELETE FROM signal WHERE run_id = ANY (ids);
    DELETE FROM approval WHERE run_id = ANY (ids);
    DELETE FROM approval_decision WHERE run_id = ANY (ids);
    DELETE FROM schedule_run WHERE run_id = ANY (ids);
    DELETE FROM external_claim WHERE run_id = ANY (ids);
    RETURN ids[cardinality(ids)];
END $$;
