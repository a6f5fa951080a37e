-- Runs that failed for good are a person's list until somebody has them run again or says that nothing
-- is to be done. The list is read from what has ended; only what was put aside is written here, so a
-- run that succeeds costs nothing.

CREATE TABLE dead_discard (
    run_id       bigint PRIMARY KEY,
    -- Under which claim it failed: a run that was queued again and fails once more is on the list again.
    claim_no     bigint NOT NULL,
    discarded_by text NOT NULL,
    note         text NOT NULL,
    discarded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE bulk DROP CONSTRAINT bulk_action_check;
ALTER TABLE bulk ADD CONSTRAINT bulk_action_check
    CHECK (action IN ('cancel', 'retry', 'pause', 'resume', 'discard'));
