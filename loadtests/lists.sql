-- Fills a migrated database for `loadtests/lists`: :runs runs of many lanes, sessions, plans and
-- statuses, the journal and log of every fifth, one run with a long log. The same every time.
-- What is queued is never due, so no node takes it.
SELECT setseed(0.5);
INSERT INTO session (name, intent, status)
SELECT 's' || i, 'intent ' || md5(i::text), CASE WHEN i % 3 = 0 THEN 'archived' ELSE 'active' END
FROM generate_series(1, 300) i;
-- Session s1 has a hundred lanes, s2 has two thousand of child runs, the others have five.
INSERT INTO lane (session_id, name, width)
SELECT s.id, 'L' || i, 1 + i % 8 FROM session s, generate_series(1, 5) i WHERE s.name <> 's1'
UNION ALL
SELECT s.id, 'L' || i, 1 + i % 8 FROM session s, generate_series(1, 100) i WHERE s.name = 's1'
UNION ALL
SELECT s.id, 'L1/' || i, 1 FROM session s, generate_series(1, 2000) i WHERE s.name = 's2';
INSERT INTO plan (digest, name, body)
SELECT sha256(convert_to(i::text, 'UTF8')), 'plan-' || i % 200,
    '{"apiVersion":"pulser/v1","steps":"' || repeat(md5(i::text), 60) || '"}'
FROM generate_series(1, 1000) i;
INSERT INTO template (name, plan_digest, title, revision)
SELECT 'template-' || i, sha256(convert_to(i::text, 'UTF8')), 'title', 5
FROM generate_series(1, 500) i;
INSERT INTO template_version (name, revision, plan_digest)
SELECT 'template-' || i, r, sha256(convert_to(i::text, 'UTF8'))
FROM generate_series(1, 500) i, generate_series(1, 5) r;
INSERT INTO node (name, address, status, lease_until, streak_since, build)
SELECT 'old', 'old-' || i, 'dead', now() - interval '1 day', now() - interval '2 days', 'x'
FROM generate_series(1, 1000) i;
INSERT INTO api_token (id, name, scope, tenant, secret_hash, expires_at, created_at)
SELECT 't' || i, 'token ' || i, 'read', 'tenant-' || i % 7, sha256(convert_to(i::text, 'UTF8')),
    now() + (i % 100 - 50) * interval '1 day', now() - i * interval '1 minute'
FROM generate_series(1, 20000) i;

-- A lane's share of the runs falls steeply: the first of s1 has a sixth of all, session s1 half.
CREATE TEMPORARY TABLE lanes AS
SELECT l.id, l.shard_id,
    row_number() OVER (ORDER BY l.name LIKE 'L1/%', s.name <> 's1', l.id) AS n
FROM lane l JOIN session s ON s.id = l.session_id;
CREATE INDEX ON lanes (n);
ANALYZE lanes;
CREATE TEMPORARY TABLE draws AS
SELECT i, 1 + floor(power(random(), 4) * 1500)::bigint AS lane, random() AS fate,
    1 + floor(random() * 1000)::int AS plan,
    now() - (:runs - i) * interval '26 seconds' AS enqueued
FROM generate_series(1, :runs) i;
SELECT count(history_make('run_done', d::date)) FROM generate_series(
    now() - :runs * interval '26 seconds', now() + interval '1 day', interval '1 day') d;
INSERT INTO run_any (lane_id, shard_id, plan_digest, status, inputs, claim_no, due_at, failure,
    parent_run, template, paused_by, pause_no, enqueued_at, started_at, finished_at, is_done)
SELECT l.id, l.shard_id, sha256(convert_to(d.plan::text, 'UTF8')), s.status,
    '{"environment":"' || md5(d.i::text) || '","region":"eu-' || d.i % 50 || '"}',
    CASE WHEN s.status = 'queued' THEN 0 ELSE 1 END, now() + interval '10 years',
    CASE WHEN s.status = 'failed' THEN 'step build: exit ' || d.i % 100 END,
    CASE WHEN d.i % 50 = 0 THEN d.i - d.i % 1000 + 1 END,
    CASE WHEN d.plan <= 300 THEN 'template-' || d.plan % 30 END,
    CASE WHEN s.status = 'queued' AND d.i % 20 = 0 THEN 'somebody' END,
    CASE WHEN s.status = 'queued' AND d.i % 20 = 0 THEN 1 ELSE 0 END, d.enqueued,
    CASE WHEN s.status <> 'queued' THEN d.enqueued + interval '1 second' END,
    CASE WHEN s.status IN ('succeeded', 'failed', 'cancelled', 'timed_out')
        THEN d.enqueued + d.fate * interval '10 minutes' END,
    s.status IN ('succeeded', 'failed', 'cancelled', 'timed_out')
FROM draws d JOIN lanes l ON l.n = d.lane CROSS JOIN LATERAL (
    SELECT CASE WHEN d.i > 0.98 * :runs OR d.fate < 0.01 THEN
            CASE WHEN d.fate < 0.8 THEN 'queued' WHEN d.fate < 0.9 THEN 'running' ELSE 'waiting' END
        WHEN d.fate < 0.10 THEN 'failed' WHEN d.fate < 0.12 THEN 'cancelled'
        WHEN d.fate < 0.125 THEN 'timed_out' ELSE 'succeeded' END AS status) s
ORDER BY d.i;
INSERT INTO step_journal (run_id, step, attempt, claim_no, state, ended_at)
SELECT r.id, 'step-' || s, 1, 1, 'succeeded', now() FROM run_any r, generate_series(1, 4) s
WHERE r.id % 5 = 0 AND r.status <> 'queued';
INSERT INTO artifact (run_id, step, name, digest, size, media_type, content)
SELECT r.id, 'step-1', 'report', sha256('x'), 1, 'text/plain', 'x' FROM run_any r
WHERE r.id % 5 = 0 AND r.status = 'succeeded';

-- One chunk of eight lines for each; the run with the long log has 2,000 of fifty.
INSERT INTO run_events (lane_id, first_seq, n, bytes)
SELECT r.lane_id, 1 + 8 * (row_number() OVER (PARTITION BY r.lane_id ORDER BY r.id) - 1), 8,
    convert_to(repeat('{"seq":1,"at":"2026-11-20T12:00:00.000Z","type":"step.output","run":"x"}'
        || chr(10), 8), 'UTF8')
FROM run_any r WHERE r.id % 5 = 0 AND r.status <> 'queued';
INSERT INTO session (name) VALUES ('long');
INSERT INTO lane (session_id, name) SELECT id, 'long' FROM session WHERE name = 'long';
INSERT INTO run_done (lane_id, shard_id, plan_digest, status, first_seq, last_seq, started_at, finished_at)
SELECT l.id, l.shard_id, sha256('1'), 'succeeded', 1, 100000, now(), now()
FROM lane l WHERE l.name = 'long';
INSERT INTO run_events (lane_id, first_seq, n, bytes)
SELECT r.lane_id, c * 50 + 1, 50, (
    SELECT string_agg(convert_to('{"seq":' || c * 50 + i
        || ',"at":"2026-11-20T12:00:00.000Z","type":"step.output","run":"' || :'long_run'
        || '","step":"s","attempt":1,"data":{"stream":"stdout","line":"line '
        || c * 50 + i || ' ' || md5((c * 50 + i)::text) || '"}}' || chr(10), 'UTF8'), '' ORDER BY i)
    FROM generate_series(1, 50) i)
FROM run_any r JOIN lane l ON l.id = r.lane_id AND l.name = 'long', generate_series(0, 1999) c;
INSERT INTO bulk (action, filter, reason, actor, status, total, ended_at, ok, skipped, failed)
SELECT 'cancel', '{}', 'r', 'me', 'completed', 500, now(), 500, 0, 0 FROM generate_series(1, 200);
INSERT INTO bulk_item (bulk_id, run_id, claim_no, state)
SELECT b.id, r, 1, 'ok' FROM bulk b, generate_series(1, 500) r;
