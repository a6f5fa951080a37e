-- A key makes any request happen once, not only the one that makes a run: it names what was made.
ALTER TABLE run_key RENAME TO request_key;
ALTER TABLE request_key RENAME COLUMN run_id TO made_id;
ALTER TABLE request_key
    ADD COLUMN kind text NOT NULL DEFAULT 'run'
        CHECK (kind IN ('run', 'retry', 'session', 'lane', 'bulk')),
    -- What the answer said beside the row that was made.
    ADD COLUMN detail text NOT NULL DEFAULT '';
-- Keys are forgotten after a day, oldest first.
CREATE INDEX request_key_age ON request_key (created_at);
