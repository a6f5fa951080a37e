-- Several nodes on one database: who coordinates, who suspects whom, and shards on their way.
-- Locks are taken in the order cluster, node, shard by ascending number. What must never go back
-- is refused here, whatever a statement says.

ALTER TABLE cluster
    ADD COLUMN coord_node   bigint REFERENCES node (node_epoch),
    -- Rises with every election: the fence of what a coordinator writes.
    ADD COLUMN coord_epoch  bigint NOT NULL DEFAULT 0,
    ADD COLUMN coord_until  timestamptz NOT NULL DEFAULT to_timestamp(0),
    -- What all nodes speak; a node that does not cannot join.
    ADD COLUMN active_proto integer NOT NULL DEFAULT 1;

ALTER TABLE node
    ADD COLUMN proto_min    integer NOT NULL DEFAULT 1,
    ADD COLUMN proto_max    integer NOT NULL DEFAULT 1,
    -- Failure domain; shards are spread over them.
    ADD COLUMN zone         text NOT NULL DEFAULT '',
    ADD COLUMN status_since timestamptz NOT NULL DEFAULT now(),
    -- The view in which it got its status. Higher than the cluster's: the change is under way.
    ADD COLUMN view_version bigint NOT NULL DEFAULT 0,
    -- Rises whenever the coordinator takes shards away from it. A renewal tells it, so whoever
    -- waits for the lease of that moment waits long enough although the node goes on renewing.
    ADD COLUMN shards_taken bigint NOT NULL DEFAULT 0,
    ADD CHECK (proto_min <= proto_max);
CREATE INDEX node_view ON node (view_version);

-- Votes that a node is gone; a good probe deletes the voter's.
CREATE TABLE suspicion (
    target   bigint NOT NULL REFERENCES node (node_epoch),
    voter    bigint NOT NULL REFERENCES node (node_epoch),
    -- Since when the voter has said so without a pause.
    first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Its connection was refused; else it only did not answer in time.
    hard     boolean NOT NULL,
    PRIMARY KEY (target, voter),
    CHECK (target <> voter)
) WITH (fillfactor = 50);

ALTER TABLE shard
    ADD COLUMN state text NOT NULL DEFAULT 'free'
        CHECK (state IN ('free', 'assigned', 'running', 'handing_off')),
    -- Who gets it next, while it is handed off.
    ADD COLUMN target      bigint REFERENCES node (node_epoch),
    -- Since when it has its owner and its state.
    ADD COLUMN state_since timestamptz NOT NULL DEFAULT now(),
    -- The transaction that changed it last: readers ask for what their snapshot did not have.
    ADD COLUMN changed_in  bigint NOT NULL DEFAULT 0;
UPDATE shard SET state = 'running' WHERE owner IS NOT NULL;
ALTER TABLE shard
    ADD CHECK ((owner IS NULL) = (state = 'free')),
    ADD CHECK ((target IS NOT NULL) = (state = 'handing_off'));
CREATE INDEX shard_changed ON shard (changed_in);

CREATE FUNCTION cluster_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the view and the coordinator''s epoch never go back';
END $$;
CREATE TRIGGER cluster_guard BEFORE UPDATE ON cluster FOR EACH ROW
    WHEN (NEW.view_version < OLD.view_version OR NEW.coord_epoch < OLD.coord_epoch)
    EXECUTE FUNCTION cluster_guard();

-- Whoever sets a status has locked the cluster's row, so the view stands still meanwhile.
CREATE FUNCTION node_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.status = OLD.status THEN RETURN NEW; END IF;
        IF OLD.status = 'dead' THEN RAISE EXCEPTION 'a dead node stays dead'; END IF;
    END IF;
    NEW.status_since := clock_timestamp();
    NEW.view_version := (SELECT view_version + 1 FROM cluster);
    RETURN NEW;
END $$;
CREATE TRIGGER node_guard BEFORE INSERT OR UPDATE OF status ON node FOR EACH ROW
    EXECUTE FUNCTION node_guard();

CREATE FUNCTION shard_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.generation < OLD.generation
        OR NEW.owner IS DISTINCT FROM OLD.owner AND NEW.generation = OLD.generation
    THEN RAISE EXCEPTION 'a shard''s generation rises with every change of its owner';
    END IF;
    IF NEW.generation > OLD.generation OR NEW.state <> OLD.state THEN
        NEW.state_since := clock_timestamp();
    END IF;
    NEW.changed_in := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;
CREATE TRIGGER shard_guard BEFORE UPDATE ON shard FOR EACH ROW EXECUTE FUNCTION shard_guard();
