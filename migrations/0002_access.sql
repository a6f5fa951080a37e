-- Who may ask. Of a token and of a browser's session only the hash of the secret half is kept: what
-- lies here lets nobody in.

CREATE TABLE api_token (
    -- The public half; it stands in the token itself, in logs and in lists.
    id           text PRIMARY KEY,
    name         text NOT NULL,
    scope        text NOT NULL CHECK (scope IN ('read', 'run', 'admin')),
    tenant       text NOT NULL DEFAULT 'default',
    secret_hash  bytea NOT NULL CHECK (length(secret_hash) = 32),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    -- At most one write a minute, so it may lag.
    last_used_at timestamptz,
    revoked_at   timestamptz
) WITH (fillfactor = 70);
CREATE INDEX api_token_list ON api_token (tenant, created_at, id);

-- A browser's session stands for the token it was made with, and ends with it.
CREATE TABLE browser_session (
    secret_hash  bytea PRIMARY KEY CHECK (length(secret_hash) = 32),
    token_id     text NOT NULL REFERENCES api_token (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX browser_session_token ON browser_session (token_id);
