-- What `opsload faults` keeps of a cluster and reads of it: its own schema, beside the product's.
-- Times are microseconds since 1970, by the database's clock.

CREATE SCHEMA faults;

CREATE FUNCTION faults.micros(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((extract(epoch FROM at) * 1000000)::bigint, 0)
$$;

-- Every change of a shard's owner or state, and every claim of a run.
CREATE TABLE faults.shard_log (
    at         bigint NOT NULL DEFAULT faults.micros(clock_timestamp()),
    shard_id   integer NOT NULL,
    owner      bigint,
    generation bigint NOT NULL,
    state      text NOT NULL
);
CREATE FUNCTION faults.note_shard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO faults.shard_log (shard_id, owner, generation, state)
    VALUES (NEW.shard_id, NEW.owner, NEW.generation, NEW.state);
    RETURN NULL;
END $$;
CREATE TRIGGER faults_shard AFTER UPDATE ON shard FOR EACH ROW
    WHEN (NEW.generation <> OLD.generation OR NEW.state <> OLD.state)
    EXECUTE FUNCTION faults.note_shard();

CREATE TABLE faults.claim_log (
    at      bigint NOT NULL DEFAULT faults.micros(clock_timestamp()),
    run_id  bigint NOT NULL,
    lane_id bigint NOT NULL,
    owner   bigint
);
CREATE FUNCTION faults.note_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO faults.claim_log (run_id, lane_id, owner) VALUES (NEW.id, NEW.lane_id, NEW.owner);
    RETURN NULL;
END $$;
CREATE TRIGGER faults_claim AFTER UPDATE OF claim_no ON run FOR EACH ROW
    WHEN (NEW.claim_no <> OLD.claim_no AND NEW.status = 'claimed')
    EXECUTE FUNCTION faults.note_claim();

-- What the shards were before anybody looked.
INSERT INTO faults.shard_log (shard_id, owner, generation, state)
SELECT shard_id, owner, generation, state FROM shard;

CREATE VIEW faults.lanes AS SELECT id, name, shard_id FROM lane;
CREATE VIEW faults.nodes AS
    SELECT node_epoch, name, faults.micros(started_at) AS started, status FROM node;
CREATE VIEW faults.runs AS
    SELECT r.id, r.lane_id, p.name, r.status,
           coalesce(r.failure, r.wait_reason, '') AS reason,
           faults.micros(r.enqueued_at) AS enqueued, faults.micros(r.started_at) AS started,
           faults.micros(r.finished_at) AS finished,
           coalesce(r.first_seq, 0) AS first_seq, coalesce(r.last_seq, 0) AS last_seq
    FROM run_any r JOIN plan p ON p.digest = r.plan_digest;
CREATE VIEW faults.steps AS
    SELECT run_id, step, attempt, state, superseded, faults.micros(ended_at) AS ended
    FROM step_any;
CREATE VIEW faults.chunks AS
    SELECT lane_id, first_seq, n, convert_from(bytes, 'UTF8') AS lines FROM run_events
    ORDER BY lane_id, first_seq;
CREATE VIEW faults.shards AS
    SELECT at, shard_id, coalesce(owner, 0) AS owner, generation, state FROM faults.shard_log;
CREATE VIEW faults.claims AS
    SELECT at, run_id, lane_id, coalesce(owner, 0) AS owner FROM faults.claim_log;
-- How much has not ended.
CREATE VIEW faults.open AS
    SELECT count(*) AS open, coalesce(min(id), 0) AS first FROM run;
-- How the shards are spread over nodes that have them in service.
CREATE VIEW faults.shares AS
    SELECT n.name, n.node_epoch, count(*) AS shards
    FROM shard s JOIN node n ON n.node_epoch = s.owner
    WHERE s.state = 'running' GROUP BY n.name, n.node_epoch;
