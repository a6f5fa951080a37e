-- A lane and a plan for the floor's runs. They are due far in the future, so that no node takes them.
INSERT INTO session (name) VALUES ('floor') ON CONFLICT DO NOTHING;
INSERT INTO lane (session_id, name, width)
SELECT s.id, 'F' || i, 8 FROM session s, generate_series(1, 64) i WHERE s.name = 'floor'
ON CONFLICT DO NOTHING;
INSERT INTO plan (digest, name, body) VALUES (sha256('floor'), 'floor', '{}') ON CONFLICT DO NOTHING;
ANALYZE;
