-- What is done for one tenant, customer or machine, newest first: an entry for runs that say whom they
-- are for. What is open is found by its own indexes.
CREATE INDEX run_done_key ON run_done (key, id) WHERE key <> '';
