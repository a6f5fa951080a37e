-- The foundation: who owns what (cluster, node, shard), what is to be done (session, lane, plan,
-- template, run), what was done (step_journal, run_events, artifact).
-- Words and statuses are those of Sources/PulserIR; JSON is kept as text, because jsonb refuses
-- the \u0000 that a program may print, and one bad row must not block a queue.
-- The hot tables (run, step_journal, run_events, artifact) carry no foreign keys: every insert
-- joins the row it belongs to, and a key-share lock per row would cost thousands of runs a second.

CREATE TABLE cluster (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    cluster_id   uuid NOT NULL DEFAULT gen_random_uuid(),
    view_version bigint NOT NULL DEFAULT 0
);
INSERT INTO cluster DEFAULT VALUES;

-- A node's epoch is its identity and its token: a restart is a new epoch, and dead is terminal.
CREATE SEQUENCE node_epoch;
CREATE TABLE node (
    node_epoch   bigint PRIMARY KEY DEFAULT nextval('node_epoch'),
    name         text NOT NULL,
    address      text NOT NULL,
    status       text NOT NULL CHECK (status IN ('joining', 'active', 'draining', 'dead')),
    lease_until  timestamptz NOT NULL,
    -- Since when the renewals are unbroken; only a node with a whole lease of them reaps others.
    streak_since timestamptz NOT NULL,
    build        text NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX node_address ON node (address) WHERE status <> 'dead';

-- The unit that moves between nodes. generation rises with every change of owner, and every
-- durable write carries it.
CREATE TABLE shard (
    shard_id      integer PRIMARY KEY CHECK (shard_id BETWEEN 0 AND 1023),
    owner         bigint REFERENCES node (node_epoch),
    generation    bigint NOT NULL DEFAULT 0,
    effects_after timestamptz NOT NULL DEFAULT to_timestamp(0)
) WITH (fillfactor = 50);
INSERT INTO shard (shard_id) SELECT generate_series(0, 1023);

CREATE TABLE session (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    status     text NOT NULL DEFAULT 'active'
               CHECK (status IN ('active', 'completed', 'cancelled', 'archived')),
    intent     text NOT NULL DEFAULT '',
    context    text NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz
);

CREATE TABLE lane (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id bigint NOT NULL REFERENCES session (id),
    name       text NOT NULL,
    width      integer NOT NULL DEFAULT 1 CHECK (width BETWEEN 1 AND 1000),
    priority   integer NOT NULL DEFAULT 0,
    -- Stays what it was at birth: a multiplicative hash of the id spreads neighbours.
    shard_id   integer NOT NULL GENERATED ALWAYS AS
               (((id * 2654435761) % 4294967296) / 4194304) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (session_id, name)
);

-- Plans are stored once, by the SHA-256 of their canonical JSON.
CREATE TABLE plan (
    digest     bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    name       text NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE template (
    name        text PRIMARY KEY,
    plan_digest bytea NOT NULL REFERENCES plan (digest),
    title       text NOT NULL DEFAULT '',
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE SEQUENCE run_id MAXVALUE 1099511627775;
CREATE TABLE run (
    id              bigint PRIMARY KEY DEFAULT nextval('run_id'),
    lane_id         bigint NOT NULL,
    shard_id        integer NOT NULL,
    plan_digest     bytea NOT NULL,
    status          text NOT NULL DEFAULT 'queued' CHECK (status IN
                    ('queued', 'claimed', 'running', 'waiting',
                     'succeeded', 'failed', 'cancelled', 'timed_out')),
    priority        integer NOT NULL DEFAULT 0,
    inputs          text NOT NULL DEFAULT '{}',
    -- How often a person had it run again; retry_count is how often the run retried by itself.
    attempt         integer NOT NULL DEFAULT 1,
    retry_count     integer NOT NULL DEFAULT 0,
    -- Rises with every claim and never goes back: the fence of every write of the run.
    claim_no        bigint NOT NULL DEFAULT 0,
    owner           bigint,
    due_at          timestamptz NOT NULL DEFAULT now(),
    idempotency_key text,
    parent_run      bigint,
    depth           integer NOT NULL DEFAULT 0,
    -- What somebody asks of a live run, until its owner has done it.
    request         text CHECK (request IN ('cancel')),
    request_reason  text,
    outputs         text,
    failure         text,
    wait_reason     text,
    first_seq       bigint,
    last_seq        bigint,
    enqueued_at     timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz
) WITH (fillfactor = 70);
-- What is ready, in the order it is claimed; holds no finished run.
CREATE INDEX run_ready ON run (lane_id, priority DESC, id) WHERE status = 'queued';
-- What is under way, for taking over a shard.
CREATE INDEX run_live ON run (shard_id) WHERE status IN ('claimed', 'running', 'waiting');
CREATE INDEX run_request ON run (shard_id) WHERE request IS NOT NULL;
CREATE UNIQUE INDEX run_idempotency ON run (lane_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX run_children ON run (parent_run) WHERE parent_run IS NOT NULL;

-- Intent and result of every step attempt; the first result stands.
CREATE TABLE step_journal (
    run_id     bigint NOT NULL,
    step       text NOT NULL,
    attempt    integer NOT NULL,
    claim_no   bigint NOT NULL,
    state      text NOT NULL CHECK (state IN
               ('intent', 'succeeded', 'failed', 'skipped', 'cancelled', 'unknown')),
    record     text NOT NULL DEFAULT '{}',
    -- Set when a person has the step run again: kept as history, no longer counted.
    superseded boolean NOT NULL DEFAULT false,
    begun_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    PRIMARY KEY (run_id, step, attempt)
) WITH (fillfactor = 70);

-- One log per lane, stored in chunks like a log's record batches: one row per lane and commit.
CREATE TABLE run_events (
    lane_id   bigint NOT NULL,
    first_seq bigint NOT NULL,
    n         integer NOT NULL CHECK (n > 0),
    bytes     bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane_id, first_seq)
);

CREATE TABLE artifact (
    run_id     bigint NOT NULL,
    step       text NOT NULL,
    name       text NOT NULL,
    digest     bytea NOT NULL,
    size       bigint NOT NULL,
    media_type text NOT NULL,
    -- NULL when the bytes lie in the data directory under their digest.
    content    bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, step, name)
);
