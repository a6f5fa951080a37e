-- Since when runs rest: why a run does not go on is told with its time.

ALTER TABLE run
    -- When somebody paused it; means something while paused_by is there.
    ADD COLUMN paused_at  timestamptz,
    -- Since when it waits for what it says; means something while its status is 'waiting'.
    ADD COLUMN waiting_at timestamptz;
