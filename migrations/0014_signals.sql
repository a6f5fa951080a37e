-- What comes to a run from outside: signals, and people's decisions. Both are stored before anybody
-- waits for them. Whoever writes here has locked the run's row, so of one run nothing happens at once.

-- Who asked for the run; NULL when nothing tells. Who may not approve their own runs is told by it.
ALTER TABLE run_any ADD COLUMN started_by text;
-- What the token's holder belongs to: approvals may ask for a group.
ALTER TABLE api_token ADD COLUMN groups text[] NOT NULL DEFAULT '{}';

CREATE TABLE signal (
    run_id          bigint NOT NULL,
    -- Counts up within the run, without gaps: the order in which they are taken.
    seq             bigint NOT NULL,
    name            text NOT NULL,
    payload         text NOT NULL,
    sent_by         text NOT NULL,
    sent_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The same key again is the same signal.
    idempotency_key text,
    -- Which attempt of which step took it, under which claim; NULL while nobody has.
    taken_step      text,
    taken_attempt   integer,
    taken_claim     bigint,
    taken_at        timestamptz,
    PRIMARY KEY (run_id, seq)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX signal_key ON signal (run_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX signal_open ON signal (run_id, name, seq) WHERE taken_step IS NULL;
-- One attempt takes one signal.
CREATE UNIQUE INDEX signal_taken ON signal (run_id, taken_step, taken_attempt)
    WHERE taken_step IS NOT NULL;

-- A step that waits for people, since it does. A person's retry (attempt of the run) asks anew.
CREATE TABLE approval (
    run_id      bigint NOT NULL,
    run_attempt integer NOT NULL,
    step        text NOT NULL,
    needed      integer NOT NULL,
    groups      text[] NOT NULL,
    users       text[] NOT NULL,
    self        boolean NOT NULL,
    message     text NOT NULL,
    form        text,
    asked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz,
    -- When nothing more was to be decided; NULL while it waits.
    decided_at  timestamptz,
    PRIMARY KEY (run_id, run_attempt, step)
) WITH (fillfactor = 80);
CREATE INDEX approval_open ON approval (asked_at, run_id) WHERE decided_at IS NULL;

-- One decision of each person; it may be there before the step asks.
CREATE TABLE approval_decision (
    run_id      bigint NOT NULL,
    run_attempt integer NOT NULL,
    step        text NOT NULL,
    person      text NOT NULL,
    approved    boolean NOT NULL,
    form        text NOT NULL,
    comment     text NOT NULL,
    decided_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, run_attempt, step, person)
);
