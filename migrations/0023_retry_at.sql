-- When the next attempt of a run that failed begins: kept here, so that it outlives the run's node and
-- a person can put it off. NULL while the run waits for anything else, or for nothing.
ALTER TABLE run_any ADD COLUMN retry_at timestamptz;
