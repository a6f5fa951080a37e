-- What the API adds: edits that notice each other, versions of templates, requests that happen
-- once, actions on many runs, and the indexes of its lists.

-- Rises with every edit; an editor who saw an older number is refused.
ALTER TABLE session ADD COLUMN revision bigint NOT NULL DEFAULT 1;

ALTER TABLE template ADD COLUMN revision bigint NOT NULL DEFAULT 1;
-- Every plan a name ever stood for; a name that is used again goes on counting.
CREATE TABLE template_version (
    name        text NOT NULL,
    revision    bigint NOT NULL,
    plan_digest bytea NOT NULL REFERENCES plan (digest),
    title       text NOT NULL DEFAULT '',
    stored_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, revision)
);

-- The template a run was made from, for its list.
ALTER TABLE run ADD COLUMN template text;

-- A request that carries a key makes one run: the same request again is told of that run, another
-- request with the key is refused by the digest.
CREATE TABLE run_key (
    tenant     text NOT NULL,
    key        text NOT NULL,
    digest     bytea NOT NULL,
    run_id     bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, key)
);

-- One action on many runs: which runs is fixed when it is made, a worker takes them in order.
CREATE SEQUENCE bulk_id;
CREATE TABLE bulk (
    id           bigint PRIMARY KEY DEFAULT nextval('bulk_id'),
    action       text NOT NULL CHECK (action IN ('cancel', 'retry', 'pause', 'resume')),
    filter       text NOT NULL,
    reason       text NOT NULL,
    actor        text NOT NULL,
    status       text NOT NULL DEFAULT 'running'
                 CHECK (status IN ('running', 'completed', 'cancelled')),
    total        bigint NOT NULL,
    -- Rises with every worker that takes it over: the fence of the marks below.
    claim_no     bigint NOT NULL DEFAULT 0,
    heartbeat_at timestamptz NOT NULL DEFAULT to_timestamp(0),
    revision     bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz
);
CREATE INDEX bulk_running ON bulk (id) WHERE status = 'running';

CREATE TABLE bulk_item (
    bulk_id  bigint NOT NULL,
    run_id   bigint NOT NULL,
    -- The run's claim when it was chosen: a retry of a run that moved on since is skipped.
    claim_no bigint NOT NULL,
    state    text NOT NULL DEFAULT 'pending'
             CHECK (state IN ('pending', 'ok', 'skipped', 'failed')),
    reason   text,
    PRIMARY KEY (bulk_id, run_id)
);
CREATE INDEX bulk_pending ON bulk_item (bulk_id, run_id) WHERE state = 'pending';

-- Lists by lane and session, newest first.
CREATE INDEX run_lane ON run (lane_id, id);
-- What has not ended, newest first, and how much of it there is; holds no finished run.
CREATE INDEX run_open ON run (id) WHERE status IN ('queued', 'claimed', 'running', 'waiting');
-- What went wrong, newest first: few among many.
CREATE INDEX run_troubled ON run (id) WHERE status IN ('failed', 'cancelled', 'timed_out');
CREATE INDEX run_template ON run (template, id) WHERE template IS NOT NULL;
-- Time ranges: a few bytes per hundred pages, because runs lie in the order of their times.
CREATE INDEX run_enqueued ON run USING brin (enqueued_at);
CREATE INDEX run_finished ON run USING brin (finished_at);
