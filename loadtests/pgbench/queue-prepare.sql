-- The least that a queue keeps: who waits in which lane, who has it, that it ended. Its own schema.
DROP SCHEMA IF EXISTS floor CASCADE;
CREATE SCHEMA floor;
CREATE TABLE floor.job (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane     integer NOT NULL,
    state    smallint NOT NULL DEFAULT 0,
    claim_no bigint NOT NULL DEFAULT 0,
    inputs   text NOT NULL DEFAULT '{}',
    at       timestamptz NOT NULL DEFAULT now(),
    begun_at timestamptz,
    ended_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX ready ON floor.job (lane, id) WHERE state = 0;
CREATE TABLE floor.mark (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
-- So many jobs in each of so many lanes.
CREATE FUNCTION floor.fill(lanes integer, each integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO floor.job (lane) SELECT l FROM generate_series(1, each), generate_series(1, lanes) AS l
$$;
-- How many have not ended, so that a script that took too few is noticed.
CREATE FUNCTION floor.open() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM floor.job WHERE state <> 2 $$;
