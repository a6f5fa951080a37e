-- What begins by itself: schedules, and which run each of their ticks made.

CREATE TABLE schedule (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    title        text NOT NULL DEFAULT '',
    lane_id      bigint NOT NULL REFERENCES lane (id),
    -- One of both: what the name stands for at the tick, or one plan for ever.
    template     text,
    plan_digest  bytea REFERENCES plan (digest),
    inputs       text NOT NULL DEFAULT '{}',
    priority     integer NOT NULL DEFAULT 0,
    -- Cron expressions and intervals, one in a line.
    rules        text NOT NULL,
    zone         text NOT NULL,
    anchor_at    timestamptz NOT NULL,
    starts_at    timestamptz,
    ends_at      timestamptz,
    jitter_ms    bigint NOT NULL CHECK (jitter_ms >= 0),
    misfire      text NOT NULL CHECK (misfire IN ('skip', 'latest', 'all')),
    catch_up_ms  bigint NOT NULL CHECK (catch_up_ms > 0),
    catch_up_max integer NOT NULL CHECK (catch_up_max > 0),
    overlap      text NOT NULL CHECK (overlap IN ('skip', 'queue', 'cancel')),
    -- Who made it or changed it last: the runs of its ticks are started by that person, so that
    -- nobody approves by way of a schedule what is not for them to approve.
    changed_by   text NOT NULL,
    -- Rises with every edit; an editor who saw an older number is refused.
    revision     bigint NOT NULL DEFAULT 1,
    -- Who paused it; NULL when it is not paused.
    paused_by    text,
    paused_at    timestamptz,
    pause_reason text,
    -- Rises with whatever is decided about it. Who decides says what it saw, so of two who decide at
    -- once one does: no tick is decided about twice, however many nodes look and whichever dies.
    move_no      bigint NOT NULL DEFAULT 0,
    -- The last tick that was decided about, or from when on it ticks.
    cursor_at    timestamptz NOT NULL DEFAULT now(),
    -- When somebody must look again; NULL when there is no tick any more.
    next_at      timestamptz DEFAULT now(),
    -- Ticks that got no run: how many, when and why the last of them.
    dropped      bigint NOT NULL DEFAULT 0,
    last_drop_at timestamptz,
    last_drop    text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CHECK ((template IS NULL) <> (plan_digest IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX schedule_due ON schedule (next_at) WHERE paused_by IS NULL AND next_at IS NOT NULL;

-- The run of a tick. The key is what makes it one: a backfill and the clock cannot both make it.
CREATE TABLE schedule_run (
    schedule_id bigint NOT NULL,
    tick        timestamptz NOT NULL,
    -- A person asked for it at that moment; the rules did not.
    manual      boolean NOT NULL,
    run_id      bigint NOT NULL,
    -- Set when somebody saw that the run had ended.
    ended       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (schedule_id, manual, tick)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX schedule_run_run ON schedule_run (run_id);
CREATE INDEX schedule_run_open ON schedule_run (schedule_id) WHERE NOT ended;

ALTER TABLE request_key DROP CONSTRAINT request_key_kind_check;
ALTER TABLE request_key ADD CONSTRAINT request_key_kind_check
    CHECK (kind IN ('run', 'retry', 'session', 'lane', 'bulk', 'schedule', 'backfill'));

-- What a schedule names stays.
CREATE OR REPLACE VIEW plan_named AS
    SELECT plan_digest AS digest FROM run
    UNION SELECT plan_digest FROM run_done_plan
    UNION SELECT plan_digest FROM run_done
        WHERE finished_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '2 days'
    UNION SELECT plan_digest FROM run_done_default
    UNION SELECT plan_digest FROM template
    UNION SELECT plan_digest FROM template_version
    UNION SELECT plan_digest FROM schedule WHERE plan_digest IS NOT NULL;
