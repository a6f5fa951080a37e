-- Pauses of sessions, lanes and keys: they take no new runs, and what is under way goes to its end.
-- Tables of their own: who pauses waits for nobody who enqueues, and a claim that finds them empty
-- reads nothing more.

CREATE TABLE session_pause (
    session_id bigint PRIMARY KEY REFERENCES session (id),
    paused_by  text NOT NULL,
    paused_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason     text
);

-- All of a lane (key is empty), or the runs of one key.
CREATE TABLE lane_pause (
    lane_id   bigint NOT NULL REFERENCES lane (id),
    key       text NOT NULL DEFAULT '' CHECK (octet_length(key) <= 200),
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason    text,
    PRIMARY KEY (lane_id, key)
);
