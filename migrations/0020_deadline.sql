-- Until when a run must have begun or ended, by the database's clock, whatever its node does: the owner
-- is told first, and when it does nothing about it the run is ended without it.

ALTER TABLE run_any DROP CONSTRAINT run_request_check;
ALTER TABLE run_any ADD CONSTRAINT run_request_check CHECK (request IN ('cancel', 'timeout'));

-- Written only for runs that ask for it; a row goes when its time has come and nothing is to be done.
CREATE TABLE run_deadline (
    run_id   bigint NOT NULL,
    -- `start`: until then it must have begun; `end`: until then it must have ended.
    kind     text NOT NULL CHECK (kind IN ('start', 'end')),
    -- NULL until the run has begun, from when `after_ms` counts.
    at       timestamptz,
    after_ms bigint CHECK (after_ms > 0),
    -- When its owner was told first; when it is due again and the owner does nothing about it, the
    -- run is ended without it.
    told_at  timestamptz,
    PRIMARY KEY (run_id, kind),
    CHECK (at IS NOT NULL OR after_ms IS NOT NULL)
);
CREATE INDEX run_deadline_at ON run_deadline (at) WHERE at IS NOT NULL;
CREATE INDEX run_deadline_open ON run_deadline (run_id) WHERE at IS NULL;
