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
